package bus

import (
	"embed"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var lua embed.FS

// scripts holds the Lua of the package. Each file's header says what it takes
// and gives.
type scripts struct {
	commit, claim, bury, read, redrive, retire *redis.Script
}

func loadScripts() scripts {
	load := func(verb string) *redis.Script {
		src, err := lua.ReadFile("lua/" + verb + ".lua")
		if err != nil {
			panic(err) // the file is part of the binary
		}
		return redis.NewScript(string(src))
	}
	return scripts{
		commit: load("commit"), claim: load("claim"), bury: load("bury"), read: load("read"),
		redrive: load("redrive"), retire: load("retire"),
	}
}
