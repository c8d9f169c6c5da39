package personalize

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"
)

// Store is the folder where a station keeps what must outlive a run: journals, backups
// and the count of failed authentications, a file a card each. Everything in it is personal
// data: folders are 0700, files 0600.
type Store struct {
	dir     string
	backups string // folder
}

// OpenStore makes the folder when it is missing.
func OpenStore(dir string) (*Store, error) {
	for _, sub := range []string{"", "journal", "backups", "attempts", "locks"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("state folder: %w", err)
		}
	}
	return &Store{dir: dir, backups: filepath.Join(dir, "backups")}, nil
}

// KeepBackups lets backups go to another folder, which is made when it is missing.
func (s *Store) KeepBackups(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("folder of backups: %w", err)
	}
	s.backups = dir
	return nil
}

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// LockedError is a card another run on this station is working on.
type LockedError struct{ ICCID string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("card %s: another run on this station is working on it", shortICCID(e.ICCID))
}

// Lock keeps other runs on this station away from the card until the returned function is called.
func (s *Store) Lock(iccid string) (unlock func(), err error) {
	path, err := s.path("locks", iccid, ".lock")
	if err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, hide("lock of the card", path, err)
	}
	if !ok {
		return nil, &LockedError{ICCID: iccid}
	}
	return func() { _ = l.Unlock() }, nil // the lock ends with the process at the latest
}

var digits = regexp.MustCompile(`^[0-9]{5,20}$`)

// path builds a file name from an ICCID that came from a card: digits alone may become a path.
func (s *Store) path(sub, iccid, ext string) (string, error) {
	if !digits.MatchString(iccid) {
		return "", fmt.Errorf("ICCID of %d characters: not 5 to 20 digits", len(iccid))
	}
	return filepath.Join(s.dir, sub, iccid+ext), nil
}

// hidden is what went wrong with the file of one card, whose name is the ICCID. It is told with the digits shortened: reasons go into logs and
// into the ledger.
type hidden struct {
	iccid string
	err   error
}

func (h *hidden) Error() string {
	return strings.ReplaceAll(h.err.Error(), h.iccid, shortICCID(h.iccid))
}
func (h *hidden) Unwrap() error { return h.err }

// hide says what a file of one card is for, and hides its name; nil stays nil.
func hide(what, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, &hidden{strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), err})
}

// appendLine adds one JSON line. Durably: it returns when the line is on the disk, the folder's entry included.
func appendLine(path string, v any, durably bool) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return appendBytes(path, append(line, '\n'), durably)
}

func appendBytes(path string, line []byte, durably bool) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	begun, err := endLine(f)
	if err != nil {
		return err
	}
	if _, err := f.Write(line); err != nil || !durably {
		return err
	}
	if err := f.Sync(); err != nil || begun {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// endLine closes a line that a power cut left open, so that the next one stays readable. begun tells whether there was one: the folder has
// the file then, since every first line was added with its folder.
func endLine(f *os.File) (begun bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil {
		return false, err
	}
	if last[0] == '\n' {
		return true, nil
	}
	_, err = f.Write([]byte{'\n'})
	return false, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return ignoreUnsupported(d.Sync())
}

// ignoreUnsupported: some systems cannot sync a folder; the file itself is safe there.
func ignoreUnsupported(err error) error {
	if errors.Is(err, os.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

const maxLine = 1 << 20

// readLines decodes every whole JSON line of a file that may not exist.
//
// A line that cannot be read is one that a power cut interrupted: what it announced had not
// begun (INTENT), or is found out by reading the card again (VERIFIED). It is passed over.
func readLines[T any](path string) ([]T, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := decodeLines[T](f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func decodeLines[T any](r io.Reader) ([]T, error) {
	var out []T
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		var v T
		if json.Unmarshal(sc.Bytes(), &v) == nil {
			out = append(out, v)
		}
	}
	return out, sc.Err()
}
