package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
	"runtime/pprof"

	"github.com/redis/go-redis/v9"
)

func run(ctx context.Context, w io.Writer) error {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("BENCH_ADDR")})
	if err := client.FlushAll(ctx).Err(); err != nil { return err }
	const n = 200000
	sum, err := fill(ctx, client, n)
	if err != nil { return err }
	if p := os.Getenv("PROF"); p != "" { f, _ := os.Create(p); _ = pprof.StartCPUProfile(f); defer pprof.StopCPUProfile() }
	for i := range 5 {
		var a float64
		if os.Getenv("PROF") == "" { a, err = bareConsume(ctx, client, "bare"+strconv.Itoa(i), n) }
		if err != nil { return err }
		b, err := busConsume(ctx, client, "bus"+strconv.Itoa(i), n, sum)
		if err != nil { return err }
		fmt.Fprintf(w, "bare %.0f/s bus %.0f/s ratio %.2f\n", a, b, b/a)
		time.Sleep(100*time.Millisecond)
	}
	return nil
}
