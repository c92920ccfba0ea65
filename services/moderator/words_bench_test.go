package moderator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// alphabets are the letters of which benchmarkRules makes words.
var alphabets = []string{
	"abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщыэюя", "αβγδεζηθικλμνξοπρστυφχψω",
	"的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得", "あいうえおかきくけこさしすせそたちつてと",
	"アイウエオカキクケコサシスセソ", "กขคงจชซญดตถทนบปผพฟมยรลวสหอ", "가나다라마바사아자차카타파하", "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
}

// benchmarkRules lists so many words, in as many scripts as there are alphabets.
func benchmarkRules(b *testing.B, n int) Rules {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var yaml strings.Builder
	yaml.WriteString("rules:\n  - name: words\n    then: reject\n    words:\n")
	for i := range n {
		letters := []rune(alphabets[i%len(alphabets)])
		fmt.Fprintf(&yaml, "      - ")
		for range 4 + r.IntN(6) {
			yaml.WriteRune(letters[r.IntN(len(letters))])
		}
		yaml.WriteByte('\n')
	}
	return parse(b, yaml.String())
}

// BenchmarkDecide_ShortComment is for comments of 200 characters against 10,000
// words, which is as many as a file may have.
func BenchmarkDecide_ShortComment(b *testing.B) {
	rules := benchmarkRules(b, maxWords)
	for name, sentence := range map[string]string{
		"english": "All work and no play makes a dull comment, they say. ",
		"turkish": "IŞIKLI İSTANBUL GECELERİNDE KIYIDA YÜRÜMEK ÇOK GÜZEL. ",
		"chinese": "我觉得这篇文章写得很好，谢谢你的分享，希望以后还能看到更多。",
		"thai":    "วันนี้อากาศดีมาก ฉันอยากไปเดินเล่นที่สวนสาธารณะกับเพื่อน ",
		"korean":  "오늘 날씨가 정말 좋아서 친구와 함께 공원에서 산책하고 싶어요. ",
	} {
		b.Run(name, func(b *testing.B) {
			comment := string([]rune(strings.Repeat(sentence, 10))[:200])
			b.ReportAllocs()
			for b.Loop() {
				rules.Decide(Text{Content: comment, Author: "Ann"})
			}
		})
	}
}
