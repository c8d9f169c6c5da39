// Package bindapp is the model of the binding applet: what the Java Card applet
// does, written in Go from docs/card-interface.md and plugged into the virtual UICC
// through [plug.Env] alone. Clause marks (§) in its comments are those of that page.
//
// Everything that must outlive a reset is a memory cell; the fields of the object are what
// a Java Card applet would keep in transient memory.
package bindapp

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// Features of E3 tag 83 (§7).
const (
	FeatureStrictStart  byte = 0x01
	FeatureIMEISV       byte = 0x02
	FeatureEFIPS        byte = 0x04
	FeatureRemote       byte = 0x08
	FeatureRefreshReset byte = 0x10
)

// Features is what the virtual card offers: no remote path, and REFRESH 05/06 not tested on it.
const Features = FeatureStrictStart | FeatureIMEISV | FeatureEFIPS

// New makes an instance around its environment. It is a plug.New.
func New(env plug.Env) plug.Applet { return &applet{env: env, features: Features, session: &session{}} }

// With is New with other features, for cards that offer more or less.
func With(features byte) plug.New {
	return func(env plug.Env) plug.Applet { return &applet{env: env, features: features, session: &session{}} }
}

// Without is New with one protective rule taken out: what the rule protects then breaks. For tests of the rules alone.
func Without(r rules.Rule) plug.New {
	return func(env plug.Env) plug.Applet {
		return &applet{env: env, features: Features, session: &session{}, without: r}
	}
}

// holds tells whether a protective rule is in force.
func (a *applet) holds(r rules.Rule) bool { return a.without != r }

type applet struct {
	env      plug.Env
	features byte
	without  rules.Rule // taken out; the zero value is none

	// Transient memory: gone with a reset, see PoweredUp.
	session *session
	chain   chain
	failure byte  // tag 89 of the step under way
	broken  error // the first write refused in the transaction under way
}

var _ plug.New = New

// Install reads the install parameters (§2): 81 AID of the ADF.USIM, then E0 a first configuration.
func (a *applet) Install(p plug.InstallParameters) error {
	objects, err := tlv.Parse(p.Application)
	if err != nil || repeated(objects) {
		return apdu.SWWrongData
	}
	var first []byte
	for _, o := range objects {
		switch {
		case o.Tag == 0x81 && first == nil && len(o.Value) >= 5 && len(o.Value) <= 16:
			if _, err := a.env.FileView(o.Value); err != nil {
				return apdu.SWWrongData
			}
			a.put(cellADF, o.Value)
		case o.Tag == 0xE0:
			first = o.Value
		default:
			return apdu.SWWrongData
		}
	}
	if err := a.stored(); err != nil {
		return apdu.SWMemory
	}
	a.register()
	if first == nil {
		return nil
	}
	if sw := a.configure(first); sw != apdu.SWOK {
		return sw
	}
	return nil
}

// register asks for the two events of every start, and for the timer. Nothing of it costs a proactive command: the poll
// interval is requested only while something waits (see settle).
func (a *applet) register() {
	r := a.env.Registry()
	if r == nil {
		return
	}
	r.SetEvent(plug.FirstCommandAfterATR)
	r.SetEvent(plug.ProfileDownload)
	if id, ok := r.AllocateTimer(); ok {
		a.put(cellTimer, []byte{byte(id)})
		a.broken = nil // without the cell the timer is not used, STATUS alone paces the retries
	}
}

// PoweredUp forgets transient memory.
func (a *applet) PoweredUp() {
	a.session, a.chain, a.failure, a.broken = &session{}, chain{}, 0, nil
}

// Deselect drops the chain of blocks that was open on the channel (§3).
func (a *applet) Deselect(channel int) {
	if a.chain.path == channel {
		a.chain = chain{}
	}
}

// Uninstall restores every copy that has a backup (§6, removal). It cannot refuse: what fails stays as it is.
func (a *applet) Uninstall() {
	a.take()
	a.restoreAll()
}

// Toolkit dispatches the events (§8).
func (a *applet) Toolkit(e plug.Event) {
	switch e {
	case plug.FirstCommandAfterATR:
		a.firstCommand()
	case plug.ProfileDownload:
		a.terminalProfile()
	case plug.StatusCommand:
		a.tick(true)
	case plug.TimerExpiration:
		a.tick(false)
	case plug.ProactiveHandlerAvailable:
		a.proceed(a.session)
	}
}
