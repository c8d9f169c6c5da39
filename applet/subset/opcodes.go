package subset

// opcode is one row of the instruction table (JVMS chapter 6).
type opcode struct {
	name    string
	operand int    // bytes behind the opcode, -1 for the two switches
	stack   string // what it pops and pushes, "pops>pushes": i a number, a a reference, * see flow
	card    int    // bytes of what stands for it on the card (JCVM chapter 7), branches in their short form
	refused string // why a converter refuses it, "" when it does not
}

// Reasons in common.
const (
	isInt     = "int is not in the subset"
	isLong    = "long is not in the subset"
	isFloat   = "float and double are not in the subset"
	isChar    = "char is not in the subset"
	isMonitor = "there are no threads on a card"
)

var opcodes = makeOpcodes()

func makeOpcodes() [256]opcode {
	var t [256]opcode
	for i := range t {
		t[i] = opcode{name: "unknown", refused: "not an instruction of Java 8"}
	}
	row := func(code int, name string, operand int, stack string, card int) {
		t[code] = opcode{name: name, operand: operand, stack: stack, card: card}
	}
	rows := func(from int, names []string, operand int, stack string, card int) {
		for i, n := range names {
			row(from+i, n, operand, stack, card)
		}
	}
	refuse := func(from, to, operand int, why string) {
		for i := from; i <= to; i++ {
			t[i] = opcode{name: "refused", operand: operand, refused: why}
		}
	}
	row(0x00, "nop", 0, ">", 1)
	row(0x01, "aconst_null", 0, ">a", 1)
	rows(0x02, []string{"iconst_m1", "iconst_0", "iconst_1", "iconst_2", "iconst_3", "iconst_4", "iconst_5"}, 0, ">i", 1)
	refuse(0x09, 0x0A, 0, isLong)
	refuse(0x0B, 0x0F, 0, isFloat)
	row(0x10, "bipush", 1, ">i", 2)
	row(0x11, "sipush", 2, ">i", 3)
	row(0x12, "ldc", 1, "*", 3)
	row(0x13, "ldc_w", 2, "*", 3)
	refuse(0x14, 0x14, 2, "long, float and double are not in the subset")
	row(0x15, "iload", 1, ">i", 2)
	refuse(0x16, 0x16, 1, isLong)
	refuse(0x17, 0x18, 1, isFloat)
	row(0x19, "aload", 1, ">a", 2)
	rows(0x1A, []string{"iload_0", "iload_1", "iload_2", "iload_3"}, 0, ">i", 1)
	refuse(0x1E, 0x21, 0, isLong)
	refuse(0x22, 0x29, 0, isFloat)
	rows(0x2A, []string{"aload_0", "aload_1", "aload_2", "aload_3"}, 0, ">a", 1)
	refuse(0x2E, 0x2E, 0, isInt)
	refuse(0x2F, 0x2F, 0, isLong)
	refuse(0x30, 0x31, 0, isFloat)
	row(0x32, "aaload", 0, "ai>a", 1)
	row(0x33, "baload", 0, "ai>i", 1)
	refuse(0x34, 0x34, 0, isChar)
	row(0x35, "saload", 0, "ai>i", 1)
	row(0x36, "istore", 1, "i>", 2)
	refuse(0x37, 0x37, 1, isLong)
	refuse(0x38, 0x39, 1, isFloat)
	row(0x3A, "astore", 1, "a>", 2)
	rows(0x3B, []string{"istore_0", "istore_1", "istore_2", "istore_3"}, 0, "i>", 1)
	refuse(0x3F, 0x42, 0, isLong)
	refuse(0x43, 0x4A, 0, isFloat)
	rows(0x4B, []string{"astore_0", "astore_1", "astore_2", "astore_3"}, 0, "a>", 1)
	refuse(0x4F, 0x4F, 0, isInt)
	refuse(0x50, 0x50, 0, isLong)
	refuse(0x51, 0x52, 0, isFloat)
	row(0x53, "aastore", 0, "aia>", 1)
	row(0x54, "bastore", 0, "aii>", 1)
	refuse(0x55, 0x55, 0, isChar)
	row(0x56, "sastore", 0, "aii>", 1)
	rows(0x57, []string{"pop", "pop2", "dup", "dup_x1", "dup_x2", "dup2", "dup2_x1", "dup2_x2", "swap"}, 0, "*", 2)
	t[0x57].card, t[0x58].card, t[0x59].card, t[0x5C].card = 1, 1, 1, 1
	for i, n := range []string{"iadd", "isub", "imul", "idiv", "irem", "ineg", "ishl", "ishr", "iushr", "iand", "ior", "ixor"} {
		code := []int{0x60, 0x64, 0x68, 0x6C, 0x70, 0x74, 0x78, 0x7A, 0x7C, 0x7E, 0x80, 0x82}[i]
		row(code, n, 0, "*", 1)
		refuse(code+1, code+1, 0, isLong)
		if code < 0x78 {
			refuse(code+2, code+3, 0, isFloat)
		}
	}
	t[0x7C].refused = ">>> of a short is not the same on a card: use >> and a mask"
	refuse(0x84, 0x84, 2, isInt)
	refuse(0x85, 0x85, 0, isLong)
	refuse(0x86, 0x87, 0, isFloat)
	refuse(0x88, 0x8A, 0, isLong)
	refuse(0x8B, 0x90, 0, isFloat)
	row(0x91, "i2b", 0, "*", 1)
	refuse(0x92, 0x92, 0, isChar)
	row(0x93, "i2s", 0, "*", 0)
	refuse(0x94, 0x94, 0, isLong)
	refuse(0x95, 0x98, 0, isFloat)
	rows(0x99, []string{"ifeq", "ifne", "iflt", "ifge", "ifgt", "ifle"}, 2, "i>", 2)
	rows(0x9F, []string{"if_icmpeq", "if_icmpne", "if_icmplt", "if_icmpge", "if_icmpgt", "if_icmple"}, 2, "ii>", 2)
	rows(0xA5, []string{"if_acmpeq", "if_acmpne"}, 2, "aa>", 2)
	row(0xA7, "goto", 2, ">", 2)
	refuse(0xA8, 0xA8, 2, "jsr is not used any more")
	refuse(0xA9, 0xA9, 1, "ret is not used any more")
	row(0xAA, "tableswitch", -1, "i>", 7)
	row(0xAB, "lookupswitch", -1, "i>", 5)
	row(0xAC, "ireturn", 0, "i>", 1)
	refuse(0xAD, 0xAD, 0, isLong)
	refuse(0xAE, 0xAF, 0, isFloat)
	row(0xB0, "areturn", 0, "a>", 1)
	row(0xB1, "return", 0, ">", 1)
	rows(0xB2, []string{"getstatic", "putstatic"}, 2, "*", 3)
	rows(0xB4, []string{"getfield", "putfield"}, 2, "*", 2)
	rows(0xB6, []string{"invokevirtual", "invokespecial", "invokestatic"}, 2, "*", 3)
	row(0xB9, "invokeinterface", 4, "*", 5)
	refuse(0xBA, 0xBA, 4, "lambdas and string concatenation are not in the subset")
	row(0xBB, "new", 2, ">a", 3)
	row(0xBC, "newarray", 1, "i>a", 2)
	row(0xBD, "anewarray", 2, "i>a", 3)
	row(0xBE, "arraylength", 0, "a>i", 1)
	row(0xBF, "athrow", 0, "a>", 1)
	row(0xC0, "checkcast", 2, "a>a", 4)
	row(0xC1, "instanceof", 2, "a>i", 4)
	refuse(0xC2, 0xC3, 0, isMonitor)
	refuse(0xC4, 0xC4, 3, "more than 255 local variables")
	refuse(0xC5, 0xC5, 3, "arrays have one dimension")
	rows(0xC6, []string{"ifnull", "ifnonnull"}, 2, "a>", 2)
	refuse(0xC8, 0xC8, 4, "the method is too long")
	refuse(0xC9, 0xC9, 4, "jsr is not used any more")
	return t
}
