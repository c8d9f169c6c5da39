package standin

// Where the methods stand in the content of the Method component, behind its count of exception handlers: a constructor, install, process,
// and one of filler.
const (
	atConstructor = 1
	atInstall     = atConstructor + 2 + 5
	atProcess     = atInstall + 2 + 1
	atFiller      = atProcess + 2 + 1
)

// Bytecodes (clause 7.5).
const (
	nop           = 0x00
	sspush        = 0x11
	aload0        = 0x18
	pop           = 0x3B
	ret           = 0x7A
	invokespecial = 0x8C
)

// methods is clause 6.9: each has a header of two bytes (stack; arguments and locals) and its bytecodes.
func methods(filler int) []byte {
	b := []byte{
		0x00,                                               // no exception handlers
		0x01, 0x10, aload0, invokespecial, 0x00, 0x00, ret, // <init>: Applet.<init>, entry 0 of the pool
		0x00, 0x30, ret, // install([BSB)V registers nothing
		0x00, 0x20, ret, // process(APDU)V
		0x01, 0x00,
	}
	return append(b, fill(filler)...)
}

// fill is n bytes of code that does nothing and is nowhere the same: a block loaded twice or in the wrong place is seen. A number is pushed and
// popped over and over.
func fill(n int) []byte {
	var b []byte
	for i := 0; len(b)+5 <= n; i++ {
		b = append(b, sspush, byte(i>>8), byte(i), pop)
	}
	for len(b)+1 < n {
		b = append(b, nop)
	}
	return append(b, ret)
}

// class is clause 6.8: one class that extends javacard.framework.Applet (package 81, class 3) and has a process of its own (token 7).
var class = []byte{
	0x00,       // a class, no interfaces
	0x81, 0x03, // super
	0x00, 0xFF, 0x00, // instance of 0 cells, no references
	0x07, 0x01, 0x00, 0x00, // virtual methods: public from 7 on, one; of the package none
	0x00, atProcess,
}

// pool is clause 6.7: Applet.<init>; the classes Applet, uicc.access.FileView and uicc.toolkit.ProactiveHandler.
var pool = []byte{
	0x00, 0x04,
	0x06, 0x81, 0x03, 0x00,
	0x01, 0x81, 0x03, 0x00,
	0x01, 0x82, 0x00, 0x00,
	0x01, 0x83, 0x05, 0x00,
}

// refLocation is clause 6.11: no indices of one byte, one of two, behind the constructor's invokespecial.
var refLocation = []byte{0x00, 0x00, 0x00, 0x01, atConstructor + 2 + 2}

// Types of clause 6.13.4, nibble by nibble, and where they stand behind the pool's four types.
const (
	typesHead   = 2 + 4*2
	typeVoid    = typesHead           // ()V
	typeInstall = typeVoid + 2        // ([BSB)V
	typeProcess = typeInstall + 1 + 2 // (javacard.framework.APDU)V
)

var types = []byte{
	0x00, 0x04,
	0x00, typeVoid, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, // of the pool's entries; a class has none
	0x01, 0x10,
	0x04, 0xB4, 0x31,
	0x06, 0x68, 0x10, 0xA1,
}

// descriptor is clause 6.13: the class, its methods with their places and lengths, the types.
func descriptor(filler int) []byte {
	b := []byte{
		0x01,                         // one class
		0xFF, 0x10, 0x00, 0x00, 0x00, // of the package alone, final; at 0 of Class; no interfaces
		0x00, 0x00, 0x00, 0x04, // no fields, four methods
	}
	for _, m := range []struct {
		token, access    byte
		at, kind, length int
	}{
		{0xFF, 0x80, atConstructor, typeVoid, 5},
		{0xFF, 0x09, atInstall, typeInstall, 1},  // public, static
		{0x07, 0x01, atProcess, typeProcess, 1},  // public
		{0xFF, 0x0A, atFiller, typeVoid, filler}, // private, static
	} {
		b = u2(u2(u2(append(b, m.token, m.access), m.at), m.kind), m.length)
		b = append(b, 0x00, 0x00, 0x00, 0x00) // no exception handlers
	}
	return append(b, types...)
}
