package pgserver

import (
	"errors"
	"os"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// serverUser is the user as whom root runs the server: the one whose data are there, else postgres, else nobody.
func serverUser(base string) (*owner, error) {
	var names []string
	if uid := ownerOf(base); uid > 0 {
		if found, err := osuser.LookupId(strconv.Itoa(uid)); err == nil {
			names = append(names, found.Username)
		}
	}
	for _, name := range append(names, "postgres", "nobody") {
		found, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(found.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return &owner{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and neither user postgres nor nobody exists: create one with: useradd --system postgres")
}

// ownerOf returns the user a file belongs to, 0 where there is none.
func ownerOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	if stat, isKnown := info.Sys().(*syscall.Stat_t); isKnown {
		return int(stat.Uid)
	}
	return 0
}

// canReach reports whether the user may pass through every folder down to dir.
func (o *owner) canReach(dir string) bool {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil || !o.mayEnter(info) {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

// mayEnter reports whether the user may pass through the folder.
func (o *owner) mayEnter(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	stat, isKnown := info.Sys().(*syscall.Stat_t)
	switch {
	case isKnown && stat.Uid == o.uid:
		return mode&0o100 != 0
	case isKnown && stat.Gid == o.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
