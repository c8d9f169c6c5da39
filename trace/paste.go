package trace

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// Bounds of what Read takes.
const maxExchanges = 100_000

// ResetNote stands as a comment where the card was reset.
const ResetNote = "reset"

// Read reads a conversation as people have it: a transcript of this tool, lines of hex that are command and answer in turn, or the
// output of other tools, as far as command and answer can be told apart:
//
//	> 00A40004023F00          ->, =>, A>>, Sending:, Command:, C-APDU: …
//	< 61 2F : more data       <-, <=, A<<, Received:, Response:, R-APDU: …
//	<- 9000: 6F07             the status word first (pySim)
//	Received (SW1=0x90, SW2=0x00):  and rows of 16 bytes with their characters behind (opensc-tool)
//	< 62 1E 82 …             and further rows of 16 bytes, words behind the last (scriptor; gscriptor so commands too)
//	AT+CSIM=14,"00A40004023F00", +CSIM: 4,"612F"
//
// Comments begin with #, ; or //; what a tool says before its first command is taken for one. A command without an answer is kept.
// Errors name the line.
func Read(r io.Reader) (Transcript, error) {
	p := paste{}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		p.n++
		if err := p.line(sc.Text()); err != nil {
			return p.t, fmt.Errorf("%w line %d: %w", ErrTranscript, p.n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return p.t, fmt.Errorf("%w line %d: %w", ErrTranscript, p.n+1, err)
	}
	p.closeDump()
	if p.stray > 0 && !p.tool {
		return p.t, fmt.Errorf("%w line %d: %w", ErrTranscript, p.stray, errNoTool)
	}
	return p.t, nil
}

// paste is a conversation while it is read.
type paste struct {
	t     Transcript
	n     int
	notes []string
	open  bool   // the last command has no answer yet
	bare  bool   // it stood there without a word before it
	prose bool   // written by a tool that talks between its lines
	tool  bool   // words before commands or answers were seen
	stray int    // the first line before any command that is neither; 0: none
	more  where  // rows of 16 bytes follow
	dump  bool   // rows of an answer follow, as opensc-tool writes them
	sw    string // its status word, told before them
}

// where a row of bytes goes on that a tool broke off after 16.
type where int

const (
	nowhere where = iota
	inCommand
	inAnswer
	inReset // of the ATR, which is passed over
)

// rowDigits are those of a full row.
const rowDigits = 32

// Words that begin a line, longest first where one begins another.
var (
	commandWords = []string{"A>>", "-->", "->", "=>", ">>", ">", "sending:", "send:", "command:", "c-apdu:", "capdu:", "apdu:", "cmd:", "c:"}
	answerWords  = []string{"A<<", "<--", "<-", "<=", "<<", "<", "received:", "receive:", "response:", "answer:", "r-apdu:", "rapdu:", "rsp:", "r:"}
	openscAnswer = regexp.MustCompile(`^Received \(SW1=0x([0-9A-Fa-f]{2}), SW2=0x([0-9A-Fa-f]{2})\)`)
	resetLine    = regexp.MustCompile(`(?i)^(--|>)? *\[?(card )?(reset|cold reset|warm reset)\]?\.?$`)
	resetAnswer  = regexp.MustCompile(`^(ATR|< *[OK][KO]):(.*)$`)
	csimCommand  = regexp.MustCompile(`(?i)AT\+CSIM= ?[0-9]+, ?"?([0-9A-F]+)`)
	csimAnswer   = regexp.MustCompile(`(?i)\+CSIM: ?[0-9]+, ?"?([0-9A-F]+)`)
	apdu4jPrefix = regexp.MustCompile(`^(T=\d+|T=CL|\([0-9+]+\)|\([0-9]+ *m?s\))\s*`)
)

func (p *paste) line(raw string) error {
	if p.dump && p.row(raw) {
		return nil
	}
	p.closeDump()
	text := strings.TrimSpace(strings.TrimPrefix(raw, "\uFEFF"))
	if p.more != nowhere && p.row16(text) {
		return nil
	}
	p.more = nowhere
	switch {
	case text == "":
		return nil
	case text[0] == '#', text[0] == ';', strings.HasPrefix(text, "//"):
		p.note(strings.TrimSpace(strings.TrimLeft(text, "#;/")))
		return nil
	case resetLine.MatchString(text):
		p.note(ResetNote)
		p.open, p.bare = false, false
		return nil
	}
	if m := resetAnswer.FindStringSubmatch(text); m != nil && !p.open {
		if p.note(text); len(loose(m[2])) == rowDigits {
			p.more = inReset
		}
		return nil
	}
	if m := openscAnswer.FindStringSubmatch(text); m != nil && p.open {
		p.prose, p.tool, p.dump, p.sw = true, true, true, strings.ToUpper(m[1]+m[2])
		return nil
	}
	if m := csimCommand.FindStringSubmatch(text); m != nil {
		p.prose, p.tool = true, true
		return p.command(loose(m[1]))
	}
	if m := csimAnswer.FindStringSubmatch(text); m != nil {
		p.prose, p.tool = true, true
		return p.answer(loose(m[1]))
	}
	return p.worded(text)
}

// worded is a line with a word of a tool before its bytes, or without one.
func (p *paste) worded(text string) error {
	if rest, word := prefixed(text, answerWords); word != "" {
		p.prose, p.tool = p.prose || len(word) > 1, true
		if err := p.answer(answerHex(rest)); err != nil {
			return err
		}
		if len(loose(bare(rest))) == rowDigits {
			p.more = inAnswer
		}
		return nil
	}
	if rest, word := prefixed(text, commandWords); word != "" {
		p.prose, p.tool = p.prose || len(word) > 1, true
		return p.commandOf(loose(bare(rest)))
	}
	return p.bareLine(text)
}

// commandOf takes the command of a tool, which may have shown the line it read before. One of a full row that is not complete goes on below.
func (p *paste) commandOf(s string) error {
	if k := len(p.t.Exchanges); p.open && p.bare && p.t.Exchanges[k-1].Command == s {
		p.bare = false
		return nil
	}
	if err := p.command(s); err != nil {
		return err
	}
	if raw, err := hex.DecodeString(s); err == nil && len(s) == rowDigits {
		if _, err := apdu.Parse(raw); err != nil {
			p.more = inCommand
		}
	}
	return nil
}

// row16 is a further row of up to 16 bytes; words behind a colon end an answer.
func (p *paste) row16(text string) bool {
	text, _, last := strings.Cut(text, ":")
	s := loose(text)
	x := &Exchange{}
	if k := len(p.t.Exchanges); k > 0 {
		x = &p.t.Exchanges[k-1]
	}
	if _, err := hex.DecodeString(s); err != nil || s == "" && !last || len(s) > rowDigits || len(x.Command)+len(x.Response) > maxLine {
		return false
	}
	switch p.more {
	case inCommand:
		x.Command += s
	case inAnswer:
		x.Response += s
	}
	if last || len(s) < rowDigits {
		p.more = nowhere
	}
	return true
}

func (p *paste) note(s string) {
	if len(p.notes) < 64 {
		p.notes = append(p.notes, s)
	}
}

func prefixed(text string, words []string) (rest, word string) {
	for _, w := range words {
		if len(text) >= len(w) && strings.EqualFold(text[:len(w)], w) {
			return strings.TrimSpace(text[len(w):]), w
		}
	}
	return "", ""
}

// bare takes off what apdu4j writes before the hex: protocol, lengths, time.
func bare(s string) string {
	for {
		at := apdu4jPrefix.FindString(s)
		if at == "" {
			return s
		}
		s = s[len(at):]
	}
}

// answerHex takes the words off an answer, and puts a status word that stands first where it belongs.
func answerHex(s string) string {
	head, tail, cut := strings.Cut(bare(s), ":")
	head = loose(head)
	if !cut {
		return head
	}
	if rest := loose(tail); len(head) == 4 && hexOrMask(rest) {
		return rest + head
	}
	return head
}

// bareLine is hex without a word before it: what is due, a command or an answer.
func (p *paste) bareLine(text string) error {
	s := loose(text)
	switch {
	case !hexOrMask(s) && (p.prose || len(p.t.Exchanges) == 0):
		if p.note(text); !p.prose && p.stray == 0 {
			p.stray = p.n
		}
		return nil
	case !hexOrMask(s):
		return errNoTool
	case p.open && endsWithSW(s):
		return p.answer(s)
	}
	if err := p.command(s); err != nil {
		return err
	}
	p.bare = true
	return nil
}

var errNoTool = errors.New("neither hex, nor a command or an answer of a tool that is known")

// endsWithSW: status words begin with 6 or 9.
func endsWithSW(s string) bool {
	return len(s) >= 4 && (s[len(s)-4] == '6' || s[len(s)-4] == '9')
}

func (p *paste) command(s string) error {
	switch {
	case !hexOrMask(s) || s == "":
		return errors.New("the command is neither hex nor a mask like [8 bytes]")
	case len(p.t.Exchanges) >= maxExchanges:
		return fmt.Errorf("more than %d commands", maxExchanges)
	}
	p.t.Exchanges = append(p.t.Exchanges, Exchange{Line: p.n, Command: s, Notes: p.notes})
	p.notes, p.open, p.bare = nil, true, false
	return nil
}

func (p *paste) answer(s string) error {
	switch {
	case !p.open:
		return errors.New("an answer without a command")
	case !hexOrMask(s):
		return errors.New("the answer is neither hex nor a mask like [8 bytes]")
	}
	p.t.Exchanges[len(p.t.Exchanges)-1].Response = s
	p.open = false
	return nil
}

// row is one row of opensc-tool: up to 16 bytes, each two digits and a space, in the first 48 columns.
func (p *paste) row(raw string) bool {
	x := &p.t.Exchanges[len(p.t.Exchanges)-1]
	columns := raw[:min(len(raw), 48)]
	var s strings.Builder
	for len(columns) >= 2 {
		if _, err := strconv.ParseUint(columns[:2], 16, 8); err != nil {
			break
		}
		s.WriteString(columns[:2])
		columns = columns[min(len(columns), 3):]
	}
	if s.Len() == 0 || strings.Trim(columns, " ") != "" || len(x.Response) > maxLine {
		return false
	}
	x.Response += strings.ToUpper(s.String())
	return true
}

func (p *paste) closeDump() {
	if p.dump {
		x := &p.t.Exchanges[len(p.t.Exchanges)-1]
		x.Response += p.sw
		p.dump, p.open = false, false
	}
}

// loose is hex as people write it: with spaces, commas and 0x.
func loose(s string) string {
	return compact(strings.NewReplacer("0x", "", "0X", "", ",", " ").Replace(s))
}

func hexOrMask(s string) bool {
	_, err := hex.DecodeString(withoutMasks(s))
	return err == nil
}
