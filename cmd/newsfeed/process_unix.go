//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// lockFile locks f until it is closed. It reports false if another process has it.
func lockFile(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// ownGroup keeps a terminal's Ctrl-C from cmd.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
