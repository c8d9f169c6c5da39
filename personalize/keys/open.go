package keys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// opened is a file of secrets: what to read it from, without reading it.
type opened struct {
	at     func() (io.ReaderAt, int64, error) // plain text and its size; nothing of it is kept
	forget func()                             // clears what had to be kept
	age    bool
}

// open takes a plain file that nobody else may read, or one that an age identity opens.
func open(f *os.File, path, identity string) (*opened, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	if !info.Mode().IsRegular() {
		return openStream(f, path, identity, maxFile)
	}
	head := make([]byte, len(armor.Header))
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	if !isAge(head[:n]) {
		return &opened{at: func() (io.ReaderAt, int64, error) { return f, info.Size(), nil }, forget: func() {}}, nil
	}
	ids, err := identities(path, identity)
	if err != nil {
		return nil, err
	}
	return encrypted(f, info.Size(), path, ids)
}

// openStream takes a pipe, which can be read once: it stays in memory until it is closed.
func openStream(f io.Reader, path, identity string, limit int64) (*opened, error) {
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	if int64(len(b)) > limit {
		clear(b)
		return nil, &Error{File: path, Reason: fmt.Sprintf("larger than %d MiB", limit>>20)}
	}
	if !isAge(b) {
		return &opened{at: func() (io.ReaderAt, int64, error) { return bytes.NewReader(b), int64(len(b)), nil }, forget: func() { clear(b) }}, nil
	}
	ids, err := identities(path, identity)
	if err != nil {
		return nil, err
	}
	return encrypted(bytes.NewReader(b), int64(len(b)), path, ids)
}

// encrypted opens anew for every reading, so that no plain text stays in the reader. An armored file is kept as its bytes.
func encrypted(cipher io.ReaderAt, size int64, path string, ids []age.Identity) (*opened, error) {
	head := make([]byte, len(armor.Header))
	if _, err := cipher.ReadAt(head, 0); err == nil && string(head) == armor.Header {
		b, err := io.ReadAll(io.LimitReader(armor.NewReader(io.NewSectionReader(cipher, 0, size)), maxFile))
		if err != nil {
			return nil, &Error{File: path, Reason: "damaged"}
		}
		cipher, size = bytes.NewReader(b), int64(len(b))
	}
	at := func() (io.ReaderAt, int64, error) {
		r, n, err := age.DecryptReaderAt(cipher, size, ids...)
		var none *age.NoIdentityMatchError
		switch {
		case errors.As(err, &none):
			return nil, 0, &Error{File: path, Reason: "the identity does not open it"}
		case err != nil:
			return nil, 0, &Error{File: path, Reason: "damaged"}
		}
		return r, n, nil
	}
	return &opened{at: at, forget: func() {}, age: true}, nil
}

func identities(path, identity string) ([]age.Identity, error) {
	if identity == "" {
		return nil, &Error{File: path, Reason: "encrypted with age, and no identity file was given"}
	}
	f, err := os.Open(identity)
	if err != nil {
		return nil, &Error{File: identity, Reason: bareReason(err)}
	}
	defer f.Close()
	if err := checkMode(f, identity); err != nil {
		return nil, err
	}
	head := bufio.NewReader(f)
	if start, _ := head.Peek(len(armor.Header)); isAge(start) {
		return nil, &Error{File: identity, Reason: "has a passphrase, which is not asked for here: open it with age -d, into a file of mode 0600 or a pipe"}
	}
	ids, err := age.ParseIdentities(head)
	if err != nil {
		return nil, &Error{File: identity, Reason: "holds no age identity"}
	}
	return ids, nil
}

// ReadFile reads a file whole that is plain or opened by an age identity, up to limit bytes. The caller looks at its mode
// (CheckPrivate), and clears what it got.
func ReadFile(f *os.File, path, identity string, limit int64) (b []byte, encrypted bool, err error) {
	o, err := open(f, path, identity)
	if err != nil {
		return nil, false, err
	}
	defer o.forget()
	b, err = o.readAll(path, limit)
	return b, o.age, err
}

func (o *opened) readAll(path string, limit int64) ([]byte, error) {
	r, size, err := o.at()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, &Error{File: path, Reason: fmt.Sprintf("larger than %d MiB", limit>>20)}
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		clear(b)
		if o.age && !errors.Is(err, os.ErrClosed) {
			return nil, &Error{File: path, Reason: "damaged"}
		}
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	return b, nil
}

func isAge(b []byte) bool {
	return bytes.HasPrefix(b, []byte("age-encryption.org/")) || bytes.HasPrefix(b, []byte(armor.Header))
}

func bareReason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// CheckPrivate refuses a file of secrets that group or others may read. Windows has no such modes.
func CheckPrivate(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("mode %04o lets others read it, 0600 is needed", info.Mode().Perm())
	}
	return nil
}

func checkMode(f *os.File, path string) error {
	if err := CheckPrivate(f); err != nil {
		return &Error{File: path, Reason: err.Error()}
	}
	return nil
}
