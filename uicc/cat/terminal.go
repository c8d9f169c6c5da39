package cat

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/simbind/simbind/apdu"
)

// Resetter resets the card, as REFRESH 04 asks for.
type Resetter interface {
	Reset(ctx context.Context, cold bool) error
}

// Config is what a terminal is like.
type Config struct {
	Profile  Profile
	IMEI     string // 14 or 15 digits; empty: it gives none
	IMEISV   string // 16 digits; empty: it does not know the question
	Result   Result // to PROVIDE LOCAL INFORMATION, when not Performed
	Busy     int    // so many questions are answered "busy" first
	NoObject bool   // it says performed and gives nothing
	RawIMEI  []byte // the object it gives instead of the right one, whole
	Refresh  Result // to REFRESH, when not Performed: it is refused
	Silent   bool   // it sends TERMINAL PROFILE and never fetches
	Late     int    // so many polls pass before it fetches what the card announces
	NoCAT    bool   // it knows no toolkit: no TERMINAL PROFILE
	Polls    int    // STATUS polls after the card fell silent; 0: DefaultPolls
	ADF      []byte // full AID of ADF.USIM, to look at EF_IMSI as a phone does; nil: EF_IMSI of DF_GSM
}

// DefaultPolls is how often a boot polls before it is over.
const DefaultPolls = 2

// Bounds on what a card may ask for in one boot.
const (
	maxCommands = 256
	maxResets   = 8
	maxPolls    = 512 // a timer that runs longer than these is not waited for
)

// LoopError is a card that does not come to rest.
type LoopError struct{ Commands, Resets int }

func (e *LoopError) Error() string {
	return fmt.Sprintf("the card does not come to rest: %d proactive commands, %d resets", e.Commands, e.Resets)
}

// Round is one proactive command and what the terminal did.
type Round struct {
	Command ProactiveCommand
	Answer  Answer
	Reset   bool // answered by a reset, not by TERMINAL RESPONSE
}

// Report is what happened at a start.
type Report struct {
	Rounds     []Round
	Resets     int    // the card asked for
	Refreshes  int    // REFRESH commands
	Polls      int    // STATUS commands sent
	IMSIBefore []byte // EF_IMSI as read before TERMINAL PROFILE; nil: not readable
	IMSIAfter  []byte // and at the end
}

// Terminal plays a terminal on one card.
type Terminal struct {
	t        apdu.Transmitter
	reset    Resetter
	cfg      Config
	busy     int
	report   Report
	timers   map[byte]timer
	now      time.Duration // virtual: the terminal never waits
	interval time.Duration
}

type timer struct {
	end   time.Duration
	value [3]byte
}

// New makes a terminal; reset may be nil when the card cannot be reset.
func New(t apdu.Transmitter, reset Resetter, cfg Config) *Terminal {
	if cfg.Polls == 0 {
		cfg.Polls = DefaultPolls
	}
	return &Terminal{t: t, reset: reset, cfg: cfg, busy: cfg.Busy, timers: map[byte]timer{}, interval: 30 * time.Second}
}

// Boot does what a terminal does at power-on with a card that was just reset: it reads EF_ICCID and EF_IMSI, sends TERMINAL
// PROFILE, carries out what the card asks for, polls until nothing is pending, and looks at EF_IMSI again.
func (x *Terminal) Boot(ctx context.Context) (Report, error) {
	if err := x.start(ctx); err != nil {
		return x.report, err
	}
	for quiet := 0; quiet < x.cfg.Polls && x.report.Polls < maxPolls; {
		active, err := x.tick(ctx)
		if err != nil {
			return x.report, err
		}
		quiet++
		if active {
			quiet = 0
		}
	}
	var err error
	x.report.IMSIAfter, err = x.readIMSI(ctx)
	return x.report, err
}

// start is what follows every reset.
func (x *Terminal) start(ctx context.Context) error {
	x.timers = map[byte]timer{}
	imsi, err := x.readIMSI(ctx)
	if err != nil {
		return err
	}
	if x.report.Resets == 0 {
		x.report.IMSIBefore = imsi
	}
	if x.cfg.NoCAT {
		return nil
	}
	return x.send(ctx, "TERMINAL PROFILE", TerminalProfile(x.cfg.Profile))
}

// send sends one command and, unless silent, carries out everything the card asks for behind it.
func (x *Terminal) send(ctx context.Context, name string, c apdu.Command) error {
	r, err := x.t.Transmit(ctx, c)
	if err != nil {
		return &apdu.LinkError{Name: name, Err: err}
	}
	return x.follow(ctx, r.SW)
}

func (x *Terminal) follow(ctx context.Context, announced apdu.SW) error {
	for {
		sw, err := x.linger(ctx, announced)
		if err != nil {
			return err
		}
		n, waiting := sw.Proactive()
		if !waiting || x.cfg.Silent {
			return nil
		}
		if len(x.report.Rounds) >= maxCommands {
			return &LoopError{Commands: len(x.report.Rounds), Resets: x.report.Resets}
		}
		r, err := apdu.Do(ctx, x.t, "FETCH", Fetch(n))
		if err != nil {
			return err
		}
		if announced, err = x.serve(ctx, r.Data); err != nil {
			return err
		}
	}
}

// linger lets the time of some polls pass while a command waits in the card, as a busy modem does. The last status word counts.
func (x *Terminal) linger(ctx context.Context, sw apdu.SW) (apdu.SW, error) {
	for n := 0; n < x.cfg.Late && x.report.Polls < maxPolls; n++ {
		if _, waiting := sw.Proactive(); !waiting {
			break
		}
		x.now += x.interval
		x.report.Polls++
		r, err := x.t.Transmit(ctx, Poll())
		if err != nil {
			return sw, &apdu.LinkError{Name: "STATUS", Err: err}
		}
		sw = r.SW
	}
	return sw, nil
}

// serve carries one proactive command out and answers; the status word of the TERMINAL RESPONSE may announce the next.
func (x *Terminal) serve(ctx context.Context, raw []byte) (apdu.SW, error) {
	p, err := ParseProactive(raw)
	if err != nil {
		return x.respond(ctx, Round{Command: p, Answer: Answer{Result: DataNotUnderstood}})
	}
	if p.Type == Refresh && p.Qualifier == refreshReset && x.cfg.Refresh == Performed && x.reset != nil {
		return apdu.SWOK, x.obeyReset(ctx, p)
	}
	a, err := x.answer(ctx, p)
	if err != nil {
		return 0, err
	}
	return x.respond(ctx, Round{Command: p, Answer: a})
}

func (x *Terminal) respond(ctx context.Context, r Round) (apdu.SW, error) {
	x.report.Rounds = append(x.report.Rounds, r)
	resp, err := x.t.Transmit(ctx, TerminalResponse(r.Command, r.Answer))
	if err != nil {
		return 0, &apdu.LinkError{Name: "TERMINAL RESPONSE", Err: err}
	}
	return resp.SW, nil
}

// obeyReset: the reset is the answer to REFRESH 04 (TS 102 223 clause 6.4.7); the start begins anew.
func (x *Terminal) obeyReset(ctx context.Context, p ProactiveCommand) error {
	x.report.Rounds = append(x.report.Rounds, Round{Command: p, Reset: true})
	x.report.Refreshes++
	x.report.Resets++
	if x.report.Resets > maxResets {
		return &LoopError{Commands: len(x.report.Rounds), Resets: x.report.Resets}
	}
	if err := x.reset.Reset(ctx, false); err != nil {
		return err
	}
	return x.start(ctx)
}

// Qualifiers of REFRESH (clause 8.6).
const refreshReset = 0x04

// answer decides what the terminal says.
func (x *Terminal) answer(ctx context.Context, p ProactiveCommand) (Answer, error) {
	switch p.Type {
	case ProvideLocalInformation:
		return x.local(p)
	case Refresh:
		return x.refresh(ctx)
	case TimerManagement:
		return x.timer(p), nil
	case PollInterval:
		d, ok := p.Duration()
		if !ok || d == 0 {
			return Answer{Result: DataNotUnderstood}, nil
		}
		x.interval = d
		v, _ := p.Objects.Find(tagDuration)
		return Answer{Objects: append([]byte{0x80 | tagDuration, byte(len(v))}, v...)}, nil
	}
	if _, known := typeNames[p.Type]; !known {
		return Answer{Result: TypeNotUnderstood}, nil
	}
	if needsUser(p.Type) {
		return Answer{Result: BeyondCapabilities}, nil
	}
	return Answer{Result: Performed}, nil
}

// needsUser: commands for a screen, a network or a second card, which this terminal has not.
func needsUser(t Type) bool {
	return t >= 0x10 && t <= 0x16 || t >= 0x20 && t <= 0x24 || t >= 0x30 && t <= 0x34 || t >= 0x40
}

// Qualifiers of PROVIDE LOCAL INFORMATION (clause 8.6).
const (
	localIMEI   = 0x01
	localIMEISV = 0x08
)

func (x *Terminal) local(p ProactiveCommand) (Answer, error) {
	if x.busy > 0 {
		x.busy--
		return Answer{Result: TerminalBusy, Additional: []byte{0x00}}, nil
	}
	var object []byte
	var err error
	switch {
	case p.Qualifier == localIMEISV && x.cfg.IMEISV != "":
		object, err = IMEISVObject(x.cfg.IMEISV)
	case p.Qualifier != localIMEI:
		return Answer{Result: BeyondCapabilities}, nil
	case x.cfg.Result != Performed:
		return Answer{Result: x.cfg.Result}, nil
	case x.cfg.NoObject:
		return Answer{Result: Performed}, nil
	case x.cfg.RawIMEI != nil:
		object = x.cfg.RawIMEI
	case x.cfg.IMEI == "":
		return Answer{Result: MissingInformation}, nil
	default:
		object, err = IMEIObject(x.cfg.IMEI)
	}
	return Answer{Objects: object}, err
}

// refresh reads the files again, as far as they matter here, then answers.
func (x *Terminal) refresh(ctx context.Context) (Answer, error) {
	x.report.Refreshes++
	if x.cfg.Refresh != Performed {
		return Answer{Result: x.cfg.Refresh, Additional: []byte{0x00}}, nil
	}
	_, err := x.readIMSI(ctx)
	return Answer{Result: Performed}, err
}

// timer starts (00), stops (01) or asks (02) a timer (clause 6.6.21).
func (x *Terminal) timer(p ProactiveCommand) Answer {
	id, value, ok := p.Timer()
	if !ok {
		return Answer{Result: DataNotUnderstood}
	}
	if p.Qualifier&0x03 == 0 {
		raw, _ := p.Objects.Find(tagTimerValue)
		if len(raw) != 3 {
			return Answer{Result: DataNotUnderstood}
		}
		x.timers[id] = timer{end: x.now + value, value: [3]byte(raw)}
	} else {
		delete(x.timers, id)
	}
	return Answer{Objects: []byte{0x80 | tagTimer, 1, id}}
}

// tick lets one poll interval pass: timers that ended are told, then the card is polled. active: the card asked for something,
// or a timer still runs.
func (x *Terminal) tick(ctx context.Context) (active bool, err error) {
	before := len(x.report.Rounds)
	x.now += x.interval
	for _, id := range x.ended() {
		t := x.timers[id]
		delete(x.timers, id)
		if err := x.send(ctx, "ENVELOPE", TimerExpired(id, t.value)); err != nil {
			return false, err
		}
	}
	x.report.Polls++
	if err := x.send(ctx, "STATUS", Poll()); err != nil {
		return false, err
	}
	return len(x.report.Rounds) > before || len(x.timers) > 0, nil
}

func (x *Terminal) ended() []byte {
	var out []byte
	for id, t := range x.timers {
		if t.end <= x.now {
			out = append(out, id)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// readIMSI selects the application and reads EF_IMSI as a phone does; nil when the card does not show it.
func (x *Terminal) readIMSI(ctx context.Context) ([]byte, error) {
	commands := []apdu.Command{
		{INS: apdu.INSSelect, P1: 0x08, P2: 0x04, Data: []byte{0x7F, 0x20, 0x6F, 0x07}, Le: apdu.MaxShortLe},
		{INS: apdu.INSReadBinary, Le: 9},
	}
	if x.cfg.ADF != nil {
		commands = []apdu.Command{
			{INS: apdu.INSSelect, P1: 0x04, P2: 0x04, Data: x.cfg.ADF, Le: apdu.MaxShortLe},
			{INS: apdu.INSReadBinary, P1: 0x87, Le: 9},
		}
	}
	var r apdu.Response
	for _, c := range commands {
		var err error
		if r, err = x.t.Transmit(ctx, c); err != nil {
			return nil, &apdu.LinkError{Name: "READ EF_IMSI", Err: err}
		}
		if !r.SW.OK() && !errors.Is(r.SW, apdu.SWFileDeactivated) {
			return nil, nil
		}
	}
	return r.Data, nil
}
