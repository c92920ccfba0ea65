package bus

import "embed"

//go:embed lua/*.lua
var lua embed.FS

// scripts holds the Lua of the package. Each file's header says what it takes
// and gives.
type scripts struct {
	call, commit, claim, bury, drop, read, redrive, retire *Script
}

func loadScripts() scripts {
	load := func(verb string) *Script {
		src, err := lua.ReadFile("lua/" + verb + ".lua")
		if err != nil {
			panic(err) // the file is part of the binary
		}
		return NewScript(string(src))
	}
	return scripts{
		call: load("call"), commit: load("commit"), claim: load("claim"), bury: load("bury"), drop: load("drop"), read: load("read"),
		redrive: load("redrive"), retire: load("retire"),
	}
}
