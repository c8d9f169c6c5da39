package capfile

import "fmt"

// reader takes a component's content apart. The first thing wrong is kept as its error; what is read after it is zero.
type reader struct {
	Component
	at  int // from the tag on
	err error
}

func (c Component) reader() *reader { return &reader{Component: c, at: headSize} }

func (r *reader) bytes(n int) []byte {
	if left := len(r.Bytes) - r.at; n > left {
		r.fail("%d bytes expected, %d are left", n, left)
	}
	if r.err != nil {
		return nil
	}
	r.at += n
	return r.Bytes[r.at-n : r.at]
}

func (r *reader) u1() int {
	if b := r.bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) u2() int { return r.u1()<<8 | r.u1() }

// aid reads its length, 5 to 16, and the AID.
func (r *reader) aid() []byte {
	n := r.u1()
	if n < 5 || n > 16 {
		r.fail("AID of %d bytes", n)
	}
	return append([]byte(nil), r.bytes(n)...)
}

// version reads minor, then major.
func (r *reader) version() Version {
	minor := r.u1()
	return Version{Major: byte(r.u1()), Minor: byte(minor)}
}

// packageInfo reads minor, major, AID.
func (r *reader) packageInfo() Package {
	v := r.version()
	return Package{Version: v, AID: r.aid()}
}

// end wants the content to be used up.
func (r *reader) end() error {
	if left := len(r.Bytes) - r.at; left > 0 {
		r.fail("%d bytes too many", left)
	}
	return r.err
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: byte %d: %s", r.Tag, r.at, fmt.Sprintf(format, args...))
	}
}
