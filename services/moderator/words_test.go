package moderator

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"newsfeed/internal/event"
)

// wordRules makes one rule that rejects the words.
func wordRules(t testing.TB, words ...string) Rules {
	t.Helper()
	list := listOf(t, words...)
	for i := range list.entries {
		list.entries[i].rule = 0
	}
	return Rules{list: []Rule{{Name: "words", Then: thenReject, Reason: "banned"}}, words: *list}
}

// approved, flagged and rejected are short for the tables below.
const (
	approved = event.Approved
	flagged  = event.Flagged
	rejected = event.Rejected
)

func TestWords_ByScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry, text string
		want        event.Status
	}{
		// A word ends where another script begins.
		{"racism", "这是racism吗", rejected}, {"racism", "これはracismです", rejected}, {"racism", "это racismом", rejected},
		{"racism", "นี่คือracismนะ", rejected}, {"racism", "이것은racism이다", rejected}, {"racism", "racismо", rejected},
		{"racism", "racismo", approved}, {"racism", "racism2", approved}, {"racism", "2racism", approved},
		{"1984", "1984年", flagged}, {"1984", "1984", rejected}, {"1984", "19840", approved},
		// A match inside a run of characters holds, except for entries marked "!".
		{"笨蛋", "笨蛋", rejected}, {"笨蛋", "你，笨蛋！", rejected}, {"笨蛋", "你这个笨蛋真是的", flagged}, {"笨蛋", "你是笨蛋", flagged},
		{"笨蛋!", "你这个笨蛋真是的", rejected}, {"!笨蛋", "你这个笨蛋真是的", rejected}, {"笨蛋！", "你这个笨蛋真是的", rejected},
		{"笨蛋!", "你很笨", approved}, {"笨蛋", "笨 蛋", approved}, {"笨蛋", "蛋笨", approved},
		{"ばか", "お前はばかだよね", flagged}, {"バカ", "お前はバカだよね", flagged}, {"馬鹿", "お前は馬鹿だ", flagged}, {"バカ", "racismバカracism", rejected},
		{"セックス", "ｾｯｸｽ", rejected}, {"ゲイ・セックス", "ゲイ・セックス", rejected}, {"ゲイ・セックス", "ゲイセックスだ", flagged}, {"ゲイ セックス", "ゲイ・セックス", rejected},
		{"セクシーな 10 代", "セクシーな10代", rejected}, {"g スポット", "Gスポット", rejected},
		{"ควย", "คุณเป็นควยจริงๆ", flagged}, {"ควย", "ควย", rejected}, {"กู", "เงินกู้", approved}, {"กู", "คุณเป็นกูจริงๆ", flagged}, {"หํา", "หำ", rejected},
		{"ຫມາ", "ເຈົ້າເປັນຫມາແທ້", flagged}, {"ឆ្កែ", "អ្នកជាឆ្កែមែន", flagged}, {"ခွေး", "မင်းကခွေးပဲ", flagged}, {"ㄇㄉ", "你ㄇㄉ啊", flagged},
		{"卖B", "你这个卖B真是的", flagged}, {"卖b", "卖B!", rejected}, {"卖B", "卖Bus", approved}, {"干x娘", "你干x娘啊", flagged}, {"鸡8", "你鸡8吗", flagged},
		{"他妈ㄉ王八蛋", "你这个他妈ㄉ王八蛋真是的", flagged}, {"sm女王", "お前はSM女王だよね", flagged}, {"sm女王", "asm女王", approved},
		// One character must be a whole run.
		{"性", "性", rejected}, {"性", "“性”", rejected}, {"性", "性格很好", approved}, {"性", "女性", approved}, {"性", "男性和女性", approved},
		{"性!", "性格很好", approved}, {"性*", "女性", flagged}, {"性*!", "女性", rejected}, {"!性*", "女性", rejected}, {"性", "性に合わない", flagged},
		// Particles follow a Korean noun.
		{"병신", "너는 병신이다", flagged}, {"병신", "너는 병신", rejected}, {"병신!", "너는 병신이다", rejected}, {"병신*", "너는 병신이다", rejected},
		{"병신", "개병신", approved}, {"씹", "너는 씹이다", flagged}, {"나쁜 놈", "너는 나쁜 놈이다", flagged}, {"나쁜 놈", "나쁜놈", approved},
		// A prefix.
		{"racis*", "racists everywhere", rejected}, {"racis*", "racis", rejected}, {"racis*", "antiracists", approved}, {"hate spe*", "hate speeches", rejected},
		{"перв*", "первый", rejected}, {"racis*", "RACİSTS", rejected},
		// Only the capital I is two letters.
		{"sıçmak", "SIÇMAK", rejected}, {"sıçmak", "sıçmak", rejected}, {"sıçmak", "siçmak", approved}, {"sik", "SIK", rejected}, {"sik", "SİK", rejected},
		{"sik", "sık", approved}, {"sık", "sik", approved}, {"sık", "SİK", approved}, {"amcıkların", "AMCIKLARIN", rejected}, {"kızıl iri", "KIZIL İRİ", rejected},
		{"SIÇ", "sıç", rejected}, {"SIÇ", "siç", rejected}, {"çingene", "ÇİNGENE", rejected}, {"sık", "ＳＩＫ", rejected},
		// Signs of an entry are signs of the text.
		{"s&m", "sizes S, M, L", approved}, {"s&m", "S&M", rejected}, {"s&m", "Ｓ＆Ｍ!", rejected}, {"s&m", "boys&men", approved}, {"s & m", "s\n& m", rejected},
		{"s-m", "sizes S, M, L", approved}, {"s/m", "S M", approved}, {"s'm", "s m", approved}, {"s.m.", "S, M", approved}, {"s_m", "s m", approved},
		{"c++", "vitamin C", approved}, {"c++", "I like C++", rejected}, {"c++", "C+", approved}, {"c+", "C++", approved}, {"c#", "c", approved}, {"c#", "C#!", rejected},
		{"13.", "13 people", approved}, {"13.", "am 13. Mai", rejected}, {"13.", "213.", approved}, {".net", "net", approved}, {"a+", "vitamin A + D", approved},
		{"g-spot", "G-Spot", rejected}, {"g-spot", "g\u2011spot", rejected}, {"g-spot", "g spot", approved}, {"it's", "IT’S", rejected}, {"it's", "it s", approved},
		{"🖕", "you 🖕🏿!", rejected}, {"🖕", "🖕🖕", rejected}, {"🖕", "👍", approved}, {"❤", "❤️", rejected}, {"f*ck", "f*ck", rejected}, {"f*ck", "f ck", approved},
		{"f**k", "f**k", rejected}, {"a$$", "a$$", rejected}, {"a$$", "a$", approved}, {"a$$", "a", approved}, {"@ss", "ss", approved}, {"half½", "half 1 2", approved},
		// Punctuation around and between words without signs makes no difference.
		{"hate speech", "hate--speech", rejected}, {"racism!", "racism", rejected}, {"racism", "*racism*", rejected}, {"你 好", "你好", rejected},
	} {
		if v := wordRules(t, tt.entry).Decide(Text{Content: tt.text}); v.Status != tt.want {
			t.Errorf("entry %q in %q: %s, want %s", tt.entry, tt.text, v.Status, tt.want)
		}
	}
}

func TestWords_HeldSaysWhy(t *testing.T) {
	t.Parallel()
	v := wordRules(t, "笨蛋").Decide(Text{Content: "你这个笨蛋真是的"})
	if want := "banned; held, because " + inRun; v.Reason != want || v.Rule != "words" {
		t.Errorf("%+v, want the reason %q", v, want)
	}
}

// A match in a text that may only hold is doubtful, and one in the text itself is
// certain again.
func TestWords_DoubtOfTheText(t *testing.T) {
	t.Parallel()
	list, found := listOf(t, "racism"), matches{}
	for _, tt := range []struct{ text, doubt, want string }{
		{"fine", "", ""}, {"racism", "seen in the source only", "seen in the source only"}, {"racism", "", ""},
	} {
		list.search(tt.text, tt.doubt, found)
		if got := found[0].doubt; got != tt.want {
			t.Errorf("%q: doubt %q, want %q", tt.text, got, tt.want)
		}
	}
}

// entries generates what a list may have, in many scripts.
func entries() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"racism", "hate speech", "sıçmak", "SIK", "İyi", "über", "привет", "λόγος", "हिन्दी", "शब्द", "می\u200cشود", "کس", "笨蛋", "性", "卖B", "13点", "ばか", "バカ",
		"セクシーな 10 代", "ゲイ・セックス", "ควย", "กู", "ຫມາ", "ឆ្កែ", "ခွေး", "병신", "나쁜 놈", "s&m", "c++", "13.", "g-spot", "🖕", "a$$", "racis*", "병신*", "笨蛋!", "piz`d'uk", "𨳒",
	})
}

// An entry is found in itself, in every case, among gaps and characters that
// cannot be seen, and between characters of other scripts.
func TestWords_AnEntryIsFoundInItself(t *testing.T) {
	t.Parallel()
	hidden := slices.DeleteFunc(unseen(), func(r rune) bool { return r == '\u200b' })
	neighbours := []string{"", " ", "...", "\n", "«", "a", "я", "中", "あ", "ア", "ก", "가", "ا"}
	rapid.Check(t, func(rt *rapid.T) {
		listed := entries().Draw(rt, "entry")
		rules := wordRules(t, listed)
		var b strings.Builder
		for _, r := range strings.TrimRight(listed, "*!") {
			b.WriteRune(r)
			b.WriteString(string(rapid.SliceOfN(rapid.SampledFrom(hidden), 0, 2).Draw(rt, "hidden")))
		}
		text := b.String()
		if v := rules.Decide(Text{Content: text}); v.Status != rejected {
			rt.Fatalf("%+q in %+q: %s, want rejected", listed, text, v.Status)
		}
		e := rules.words.entries[0]
		first, last := []rune(string(e.chars))[0], e.chars[len(e.chars)-1]
		before := rapid.SampledFrom(neighbours).Filter(func(s string) bool { return isOtherScript(s, first) }).Draw(rt, "before")
		after := rapid.SampledFrom(neighbours).Filter(func(s string) bool { return isOtherScript(s, last) }).Draw(rt, "after")
		if v := rules.Decide(Text{Content: before + text + after}); v.Status == approved {
			rt.Fatalf("%+q in %+q: approved", listed, before+text+after)
		}
	})
}

// isOtherScript reports whether a word ends between a neighbour and a character.
func isOtherScript(neighbour string, of rune) bool {
	t := chars()
	c, s := t.of(of)
	for _, r := range neighbour {
		nc, ns := t.of(r)
		return r != of && (nc == classGap || nc == classSign || c == classSign) || c != classDigit && ns != s && s != 0
	}
	return true
}

// FuzzWords holds that an entry matches a text that is equal to it, and that
// neither makes a search panic.
func FuzzWords(f *testing.F) {
	for _, w := range []string{"racism", "s&m", "c++", "性", "sıK I", "병신*", "!笨蛋!", "\u0301a", "ﷺ", "🖕", "- -", "Ⅷ", "a\u30fbb"} {
		f.Add(w, "you "+w+", ok")
	}
	f.Fuzz(func(t *testing.T, listed, text string) {
		e, err := newEntry(listed, 0)
		if err != nil {
			return
		}
		list := &wordList{}
		list.add(e)
		found := matches{}
		list.search(clean(listed), "", found)
		if m, ok := found[0]; !ok || m.holdOnly() {
			t.Errorf("%+q is not found in itself: %+v", listed, found)
		}
		list.search(clean(text), "", found)
	})
}
