package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// reportSalt is a station's secret that makes tokens out of identities. It never stands in a report: an IMSI has so few digits that with the
// salt every token could be tried out.
type reportSalt []byte

const saltSize = 32

// saltFile is its name in the state folder, mode 0600. Stations that want to compare reports share it.
const saltFile = "report.salt"

// reportSalt gives the station's salt, made when there is none yet, or one that is thrown away.
func (a *app) reportSalt(throwAway bool) (reportSalt, error) {
	if throwAway {
		return a.makeSalt()
	}
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, saltFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a.keepSalt(path)
	case err != nil:
		return nil, err
	case len(b) != saltSize:
		return nil, &codeError{code: exitOther, err: fmt.Errorf("%s: %d bytes, want %d", path, len(b), saltSize), hint: "remove it, or put the right one there: a new salt makes tokens that match no older report"}
	}
	return b, nil
}

func (a *app) makeSalt() (reportSalt, error) {
	s := make(reportSalt, saltSize)
	_, err := io.ReadFull(a.rand, s)
	return s, err
}

// keepSalt writes a new salt whole before it has its name; where another run was first, that run's salt stays.
func (a *app) keepSalt(path string) (reportSalt, error) {
	s, err := a.makeSalt()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), saltFile+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(s)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path)
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

// token stands for an identity: 32 hex digits.
func (s reportSalt) token(kind, identity string) string {
	if identity == "" {
		return ""
	}
	m := hmac.New(sha256.New, s)
	fmt.Fprintf(m, "simbind %s %s", kind, identity)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// name tells two salts apart without telling either: 16 hex digits.
func (s reportSalt) name() string { return s.token("salt", "name")[:16] }
