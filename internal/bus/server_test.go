package bus_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

func TestServers(t *testing.T) {
	t.Parallel()
	r := bustest.Start(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	admin := newRig(t, r.Addr())
	s := server(t, admin)
	if s.TooOld() || s.Replica || !s.AppendOnly || s.AppendFsync != "always" || s.Saves != "" || s.WriteFailed {
		t.Errorf("disk: %+v", s)
	}
	if s.Max != 50<<20 || s.Used == 0 || s.Policy != "allkeys-lru" {
		t.Errorf("memory: %+v", s)
	}
	if s.User != "default" || !slices.Equal(s.Users, []string{"default"}) || !s.OpenDefault || !s.LoopbackOnly {
		t.Errorf("users: %+v", s)
	}
	if s.Ahead.Abs() > 10*time.Second || s.Uncertain <= 0 {
		t.Errorf("clock: ahead %s, give or take %s", s.Ahead, s.Uncertain)
	}

	for _, cmd := range [][]any{
		{"ACL", "SETUSER", "reader", "on", ">secret", "~*", "+info", "+time", "+client"},
		{"CONFIG", "SET", "protected-mode", "no"},
	} {
		if err := admin.client.Do(t.Context(), cmd...).Err(); err != nil {
			t.Fatal(cmd, err)
		}
	}
	if s := server(t, admin); !s.LoopbackOnly {
		t.Errorf("users: %+v, want it on loopback only, as it is bound", s)
	}
	if s := server(t, newRig(t, "reader:secret@"+r.Addr())); s.AppendFsync != "" || !s.AppendOnly || s.OpenDefault || s.User != "" {
		t.Errorf("to a user who may see little: %+v", s)
	}
}

func server(t *testing.T, r *rig) bus.ServerInfo {
	t.Helper()
	servers, err := r.Servers(t.Context())
	if err != nil || len(servers) != 1 {
		t.Fatalf("servers: %+v, %v, want one", servers, err)
	}
	return servers[0]
}

func TestServersOfACluster(t *testing.T) {
	t.Parallel()
	proxy, client := bustest.StartCluster(t)
	s := server(t, newRigOn(t, client))
	if s.Addr != proxy.Addr() || s.Version == "" {
		t.Errorf("got %+v, want that of %s", s, proxy.Addr())
	}
}

func TestServersAway(t *testing.T) {
	t.Parallel()
	r := bustest.Start(t)
	rig := newRig(t, r.Addr())
	r.Kill()
	if _, err := rig.Servers(t.Context()); !bus.Unavailable(err) {
		t.Errorf("error %v, want that it is unavailable", err)
	}
}

func TestDeadIDAsText(t *testing.T) {
	for _, id := range []bus.DeadID{
		{Group: "query", Stream: stream, Entry: bus.ID{Ms: 17, Seq: 3}},
		{Group: "eventbus/push:ab", Stream: stream, Entry: bus.ID{Ms: 1}},
	} {
		if got, err := bus.ParseDeadID(id.String()); err != nil || got != id {
			t.Errorf("%s is read as %+v, %v", id, got, err)
		}
	}
	for _, s := range []string{"", "query", "17-0", stream + "/17-0", "query/" + stream + "/17", "query/" + stream + "/x-y", "/" + stream + "/17-0", filepath.Join("a", "b", "c")} {
		if got, err := bus.ParseDeadID(s); err == nil {
			t.Errorf("%q is read as %+v, want an error", s, got)
		}
	}
}
