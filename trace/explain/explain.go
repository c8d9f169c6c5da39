// Package explain says in words what was said between a terminal or a tool and a card: commands, status words, files, every TLV object,
// proactive commands. It reads with the decoders of the floors below and shows nothing that package trace would mask.
package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
)

// Exchange is one command and its answer, as they may be shown.
type Exchange struct {
	Line     int  // of the command in the file, from 1
	Reset    bool // the card was reset before it
	Command  string
	Response string // empty: no answer
	Name     string // "SELECT EF_IMSI"
	File     string // the file it is about, by names: "ADF.USIM/EF_IMSI"; empty: none, or not known
	Answer   string // the status word in words
	Objects  []Object
}

// Object is one thing that was said: a TLV object, a field, the content of a file.
type Object struct {
	Answer bool // said by the card; otherwise by the terminal
	Depth  int  // of nesting, from 0
	Tag    string
	Name   string
	Value  string // hex, or a mask such as [9 BYTES]; empty when objects stand in it
	Words  string
}

// Bounds on what one exchange is taken apart into.
const (
	maxObjects = 512
	maxDepth   = 8
)

// Transcript explains a conversation from its beginning; the card is taken to have been reset before it.
func Transcript(t trace.Transcript, opt trace.Options) []Exchange {
	e := &explainer{opt: opt}
	e.reset()
	out := make([]Exchange, 0, len(t.Exchanges))
	for _, x := range t.Exchanges {
		out = append(out, e.exchange(x))
	}
	return out
}

// explainer goes along with a conversation.
type explainer struct {
	opt   trace.Options
	mask  *trace.Masker
	at    map[int]*place // by logical channel
	asked question       // the last command that was no GET RESPONSE

	out     *Exchange
	private bool // something of the side being read may not be shown
}

func (e *explainer) reset() {
	e.mask, e.at, e.asked = trace.NewMasker(e.opt), map[int]*place{0: atReset()}, question{}
}

// place is where the channel of a command stands; nothing is known of one that was not seen being used.
func (e *explainer) place(c apdu.Command) *place {
	n := apdu.Channel(c.CLA)
	if e.at[n] == nil {
		e.at[n] = &place{}
	}
	return e.at[n]
}

// question is a command and the file it is about.
type question struct {
	apdu.Command
	file target
}

func (e *explainer) exchange(x trace.Exchange) Exchange {
	out := Exchange{Line: x.Line, Reset: wasReset(x)}
	if out.Reset {
		e.reset()
	}
	e.out = &out
	c, hidden, err := x.Sent()
	r, hiddenAnswer, noAnswer := x.Got()
	if err != nil {
		noCommand(&out, x, r, noAnswer)
		return out
	}
	at := e.place(c)
	q := question{c, at.target(c)}
	if c.INS == apdu.INSGetResponse {
		q = e.asked
	}
	out.Name, out.File, out.Answer = nameOf(c, q.file), q.file.String(), answerWords(r, noAnswer)
	out.Command, out.Response = e.mask.Exchange(c, r)
	out.Command = e.side(false, out.Command, c.Data, hidden, func() { e.command(q, c) })
	out.Response = e.side(true, out.Response, r.Data, hiddenAnswer, func() { e.answer(q, r) })
	if noAnswer != nil {
		out.Response = ""
	} else {
		at.follow(c, r, q.file)
	}
	e.asked = q
	return out
}

// nameOf names a command. A file that has no row where it stands goes by its identifier: 6F07 is EF_IMSI in a USIM and EF_IST in an ISIM.
func nameOf(c apdu.Command, file target) string {
	n := len(c.Data)
	if c.INS == apdu.INSSelect && c.P1 != 0x04 && n >= 2 && file.row.Name == "" && local(uicc.FID(c.Data[n-2])<<8|uicc.FID(c.Data[n-1])) {
		return fmt.Sprintf("SELECT %X", c.Data[n-2:])
	}
	return trace.Name(c)
}

// local tells whether an identifier means another file in every directory (TS 102 221 clause 8.6); EF_ARR is 6F06 in all of them.
func local(fid uicc.FID) bool { return (fid>>8 == 0x6F || fid>>8 == 0x4F) && fid != 0x6F06 }

// noCommand: bytes that are no command may hold anything, and nobody knows what the answer is to.
func noCommand(out *Exchange, x trace.Exchange, r apdu.Response, noAnswer error) {
	out.Name, out.Command, out.Answer = "no command", trace.Mask(len(x.Command)/2), answerWords(r, noAnswer)
	if noAnswer != nil {
		return
	}
	if len(r.Data) > 0 {
		out.Response = trace.Mask(len(r.Data))
	}
	out.Response += r.SW.String()
}

func wasReset(x trace.Exchange) bool {
	return slices.ContainsFunc(x.Notes, func(n string) bool { return strings.EqualFold(n, trace.ResetNote) })
}

// side takes one side apart and gives its hex, with everything masked that the transcript masks already or an object forbids.
func (e *explainer) side(answer bool, shown string, data []byte, hidden bool, read func()) string {
	if len(data) == 0 {
		return shown
	}
	first := len(e.out.Objects)
	e.private = strings.Contains(shown, "[")
	whole := masked(answer, shown, data)
	if hidden {
		e.add(Object{Name: "not shown", Words: fmt.Sprintf("%d bytes are masked in the transcript", len(data))})
	} else {
		read()
	}
	objects := e.out.Objects[first:]
	for i := range objects {
		objects[i].Answer = answer
		if e.private && objects[i].Value != "" {
			objects[i].Value = trace.Mask(len(objects[i].Value) / 2)
		}
	}
	if hidden || e.private {
		return whole
	}
	return shown
}

// masked is the hex of a side with its data masked.
func masked(answer bool, shown string, data []byte) string {
	hex := fmt.Sprintf("%X", data)
	if !answer {
		if head, tail, ok := cutAt(shown, 10, hex); ok {
			return head + trace.Mask(len(data)) + tail
		}
		return shown
	}
	if tail, ok := strings.CutPrefix(shown, hex); ok {
		return trace.Mask(len(data)) + tail
	}
	return shown
}

// cutAt cuts data out of a command: behind header and length.
func cutAt(s string, at int, data string) (head, tail string, ok bool) {
	if len(s) < at {
		return "", "", false
	}
	tail, ok = strings.CutPrefix(s[at:], data)
	return s[:at], tail, ok
}

func (e *explainer) add(o Object) {
	if len(e.out.Objects) < maxObjects {
		e.out.Objects = append(e.out.Objects, o)
	}
}

func answerWords(r apdu.Response, err error) string {
	if err != nil {
		return "no answer"
	}
	if n, ok := r.SW.Proactive(); ok {
		return fmt.Sprintf("%s: done, a proactive command of %d bytes waits", r.SW.String(), n)
	}
	return r.SW.Error()
}

// Lines are the words of an exchange, one a line: name, what was sent, the status word, what was answered.
func (x Exchange) Lines() []string {
	name := x.Name
	if x.File != "" && !strings.HasSuffix(name, " "+x.File) {
		name += ": " + x.File
	}
	sent, got := []string{name}, []string{x.Answer}
	for _, o := range x.Objects {
		if o.Answer {
			got = append(got, o.line())
		} else {
			sent = append(sent, o.line())
		}
	}
	return append(sent, got...)
}

func (o Object) line() string {
	words := o.Words
	if words == "" {
		words = o.Value
	}
	if words != "" {
		words = ": " + words
	}
	return strings.Repeat("  ", o.Depth+1) + strings.TrimSpace(o.Tag+" "+o.Name) + words
}
