package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Options say which card is meant, and which applet.
type Options struct {
	AID      []byte // of the binding applet
	Expected personalize.Expected
}

// Read looks at one card that was just reset, cheap things first. Nothing but reading commands can reach the card
// (apdu.ReadOnly), no code is offered and no key is used. It works with whatever access there is; an error is a link that
// failed or another card than the expected one, and the facts read until then come with it.
func Read(ctx context.Context, card personalize.Card, o Options) (*Facts, error) {
	r := &reader{ctx: ctx, t: apdu.ReadOnly(card), f: &Facts{Reader: card.Reader()}}
	r.f.ATR, r.f.ATRFault = uicc.ParseATR(card.ATR())
	steps := []func() error{
		r.identity, func() error { return o.Expected.CheckICCID(r.f.ICCID) },
		r.directory, r.adf, r.codes, r.imsi, r.files, r.fiveG, r.pairing, r.gsm, func() error { return o.Expected.CheckIMSI(r.content()) },
		func() error { return r.applet(o.AID) }, r.domain,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return r.f, err
		}
	}
	return r.f, nil
}

// reader reads into f. Its steps return errors of the link alone; refusals are kept in Unread.
type reader struct {
	ctx context.Context
	t   apdu.Transmitter
	f   *Facts
}

// refused notes what could not be read, and passes a broken link on.
func (r *reader) refused(what string, err error) error {
	var link *apdu.LinkError
	if err == nil || errors.As(err, &link) {
		return err
	}
	why := err.Error()
	if errors.Is(err, apdu.SWSecurityStatus) && r.f.PIN1.Closed() {
		why = fmt.Sprintf("PIN1 is enabled (%s), and no code is offered here", r.f.PIN1.PINState)
	}
	r.f.Unread = append(r.f.Unread, Unread{What: what, Why: why})
	return nil
}

// optional is refused, but a file that is not there is nothing to tell.
func (r *reader) optional(what string, err error) error {
	if errors.Is(err, apdu.SWFileNotFound) {
		return nil
	}
	return r.refused(what, err)
}

// identity reads EF_ICCID right after the reset, when the MF is current, and the MF's FCP.
func (r *reader) identity() error {
	var err error
	r.f.ICCID, _, err = uicc.ReadICCID(r.ctx, r.t)
	if err := r.refused("EF_ICCID", err); err != nil {
		return err
	}
	fcp, err := uicc.SelectFile(r.ctx, r.t, "MF", uicc.MF)
	if err == nil {
		r.f.MF = &fcp
	}
	return r.refused("MF", err)
}

func (r *reader) directory() error {
	var err error
	if r.f.Applications, err = uicc.ReadDIR(r.ctx, r.t); err != nil {
		r.f.Undisclosed = !errors.Is(err, apdu.SWFileNotFound)
		return r.refused("EF_DIR", err)
	}
	for _, a := range r.f.Applications {
		if usim.IsUSIM(a.AID) && r.f.USIM == nil {
			r.f.USIM = a.AID
		}
	}
	return nil
}

// adf selects the USIM EF_DIR names; where it names none, one is looked for by the head of its AID.
func (r *reader) adf() error {
	if r.f.USIM == nil {
		return r.unlisted()
	}
	fcp, err := uicc.SelectAID(r.ctx, r.t, "ADF.USIM", r.f.USIM)
	if err == nil {
		r.f.ADF = &fcp
	}
	r.f.Absent = errors.Is(err, apdu.SWFileNotFound)
	return r.refused("ADF.USIM", err)
}

func (r *reader) unlisted() error {
	fcp, err := uicc.SelectAID(r.ctx, r.t, "ADF.USIM", usim.Prefix())
	switch {
	case err == nil:
		r.f.ADF, r.f.USIM, r.f.Unlisted = &fcp, usim.Prefix(), true
		if usim.IsUSIM(fcp.AID) {
			r.f.USIM = fcp.AID
		}
	case errors.As(err, new(*apdu.LinkError)):
		return err
	}
	return nil
}

// codes asks for counters with empty VERIFYs, which spend nothing.
func (r *reader) codes() error {
	from := r.f.ADF
	if from == nil {
		from = r.f.MF
	}
	if from == nil {
		return nil
	}
	r.f.PIN1 = Code{Enabled: from.PINEnabled(uicc.PIN1), PINState: uicc.PINState{Ref: uicc.PIN1, TriesLeft: -1}}
	if !r.f.PIN1.Enabled {
		r.f.PIN1.Disabled = true
	} else if err := r.tries(&r.f.PIN1, uicc.PIN1); err != nil {
		return err
	}
	r.f.ADM1.Enabled = true
	return r.tries(&r.f.ADM1, uicc.ADM1)
}

func (r *reader) tries(into *Code, ref uicc.KeyRef) error {
	state, err := uicc.Tries(r.ctx, r.t, ref)
	if err != nil {
		return err
	}
	into.Told, into.PINState = true, state
	return nil
}

func (r *reader) imsi() error {
	if r.f.ADF == nil {
		return nil
	}
	fcp, err := uicc.SelectFile(r.ctx, r.t, "EF_IMSI", usim.EFIMSI.FID)
	return r.copy(personalize.PlaceUSIM, fcp, err)
}

// gsm reads the copy below DF_GSM, unless the USIM's is that very file.
func (r *reader) gsm() error {
	for _, c := range r.f.Copies {
		if c.FCP != nil && c.FCP.Link.Equal(usim.GSMIMSI.Path) {
			return nil
		}
	}
	fcp, err := uicc.SelectFilePath(r.ctx, r.t, "DF_GSM EF_IMSI", usim.GSMIMSI.Path)
	if err != nil {
		return r.optional(personalize.PlaceGSM, err) // many cards have no classic SIM any more
	}
	return r.copy(personalize.PlaceGSM, fcp, nil)
}

// copy takes a copy of EF_IMSI that was selected, or not.
func (r *reader) copy(place string, fcp uicc.FCP, err error) error {
	c := Copy{Place: place, Missing: errors.Is(err, apdu.SWFileNotFound)}
	if err == nil || fcp.Deactivated {
		c.FCP = &fcp
	}
	if err == nil && fcp.IsTransparent() && fcp.Size == usim.EFIMSI.Size {
		c.Content, err = uicc.ReadTransparent(r.ctx, r.t, "EF_IMSI", usim.EFIMSI.Size)
	}
	r.f.Copies = append(r.f.Copies, c)
	return r.optional(place, err)
}

// content is the first copy that could be read.
func (r *reader) content() []byte {
	for _, c := range r.f.Copies {
		if c.Content != nil {
			return c.Content
		}
	}
	return nil
}

// files reads the files of ADF.USIM that have a short identifier, then EF_SPN, which has none.
func (r *reader) files() error {
	if r.f.ADF == nil {
		return nil
	}
	for _, x := range []struct {
		usim.File
		into *[]byte
	}{{usim.EFAD, &r.f.AD}, {usim.EFUST, &r.f.UST}, {usim.EFFPLMN, &r.f.FPLMN}, {usim.EFACC, &r.f.ACC}, {usim.EFEST, &r.f.EST}} {
		var err error
		if x.FID == usim.EFEST.FID && !r.limitable() {
			continue
		}
		if *x.into, err = r.bySFI(x.File); err != nil {
			return err
		}
	}
	for _, file := range []usim.File{usim.EFLOCI, usim.EFPSLOCI, usim.EFEPSLOCI} {
		if !r.offered(file.Service) {
			continue
		}
		content, err := r.bySFI(file)
		if err == nil {
			err = r.place(file, content)
		}
		if err != nil {
			return err
		}
	}
	var err error
	if r.offered(usim.ServiceSPN) {
		r.f.SPN, err = r.byPath(usim.EFSPN)
	}
	return err
}

// limitable: EF_EST is there with a service that can be switched.
func (r *reader) limitable() bool {
	return r.offered(usim.ServiceFDN) || r.offered(usim.ServiceBDN) || r.offered(usim.ServiceACL)
}

func (r *reader) offered(service int) bool { return r.f.offered(service) }

// offered tells whether a service may be there: EF_UST says so, or could not be read.
func (f *Facts) offered(service int) bool {
	return service == 0 || f.UST == nil || usim.Services(f.UST).Available(service)
}

func (r *reader) bySFI(file usim.File) ([]byte, error) {
	content, err := uicc.ReadToEnd(r.ctx, r.t, "READ BINARY "+file.Name, uicc.ReadBinarySFI(file.SFI, 0, 0))
	if err != nil {
		return nil, r.optional(file.Name, err)
	}
	return content, nil
}

func (r *reader) byPath(file usim.File) ([]byte, error) {
	fcp, err := uicc.SelectFilePath(r.ctx, r.t, file.Name, file.Path)
	if err != nil {
		return nil, r.optional(file.Name, err)
	}
	content, err := uicc.ReadTransparent(r.ctx, r.t, file.Name, min(fcp.Size, apdu.MaxShortData))
	return content, r.refused(file.Name, err)
}

// place reads a file of the LOCI family; one that is not as it should be is told as unread.
func (r *reader) place(file usim.File, content []byte) error {
	if content == nil {
		return nil
	}
	v, err := file.Decode(content)
	if err != nil {
		return r.refused(file.Name, err)
	}
	if l, ok := v.(usim.Location); ok {
		r.f.Places = append(r.f.Places, Place{Name: file.Name, Location: l})
	}
	return nil
}

func (r *reader) fiveG() error {
	if r.f.ADF == nil || !r.offered(usim.Service5GSMM) {
		return nil
	}
	content, err := r.byPath(usim.EF5GS3GPPLOCI)
	if err != nil {
		return err
	}
	return r.place(usim.EF5GS3GPPLOCI, content)
}

// Bounds of what is read of the pairing files: the standard recommends a hundred records of history.
const maxHistory, maxRanges = 10, 4

func (r *reader) pairing() error {
	if r.f.ADF == nil || !r.offered(usim.ServicePairing) {
		return nil
	}
	p := &Pairing{}
	if err := r.records(usim.EFIPS, upTo(maxHistory), p.add); err != nil {
		return err
	}
	if err := r.records(usim.EFIPD, p.linked(), p.add); err != nil {
		return err
	}
	if err := r.records(usim.EFIAL, upTo(maxRanges), p.add); err != nil {
		return err
	}
	if len(p.Statuses)+len(p.Devices)+len(p.Ranges) > 0 {
		r.f.Pairing = p
	}
	return nil
}

func upTo(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i+1)
	}
	return out
}

// linked are the records of EF_IPD the history names, newest first; without a history the first is looked at.
func (p *Pairing) linked() []int {
	var out []int
	for _, s := range p.Statuses {
		if s.Link > 0 && !slices.Contains(out, s.Link) {
			out = append(out, s.Link)
		}
	}
	if out == nil {
		return []int{1}
	}
	return out
}

// add takes what the record of a number holds. More is false for an empty one of the history, behind which nothing older stands.
func (p *Pairing) add(number int, v any) (more bool) {
	switch v := v.(type) {
	case usim.PairingStatus:
		if more = !v.Empty; more {
			p.Statuses = append(p.Statuses, v)
		}
	case usim.PairingDevice:
		if v.Digits != "" {
			p.Devices = append(p.Devices, Device{number, v})
		}
		return true
	case usim.PairingRange:
		if v.Low != "" {
			p.Ranges = append(p.Ranges, v)
		}
		return true
	}
	return more
}

// records reads records of a file, until add has enough.
func (r *reader) records(file usim.File, numbers []int, add func(int, any) bool) error {
	fcp, err := uicc.SelectFilePath(r.ctx, r.t, file.Name, file.Path)
	if err != nil {
		return r.optional(file.Name, err)
	}
	for _, n := range numbers {
		if n > fcp.Records {
			continue
		}
		resp, err := apdu.Do(r.ctx, r.t, fmt.Sprintf("READ RECORD %s %d", file.Name, n), uicc.ReadRecord(0, byte(n), fcp.RecordSize))
		if err != nil {
			return r.refused(file.Name, err)
		}
		v, err := file.Decode(resp.Data)
		if err != nil {
			return r.refused(file.Name, err)
		}
		if !add(n, v) {
			return nil
		}
	}
	return nil
}

// applet takes what its SELECT answer says. One that is there and cannot be understood is a fault of its own.
func (r *reader) applet(aid []byte) error {
	a, err := personalize.SelectApplet(r.ctx, r.t, aid)
	var refused *apdu.Error
	switch {
	case err == nil:
		r.f.Applet = a
	case errors.Is(err, personalize.ErrNoApplet):
	case errors.As(err, &refused), errors.As(err, new(*apdu.LinkError)):
		return r.refused("binding applet", err)
	default:
		r.f.AppletFault = err
	}
	return nil
}

// domain selects the issuer security domain and reads which keys it holds. No card tells without keys how many tries a key
// set has left: a session would have to be begun.
func (r *reader) domain() error {
	fci, locked, err := gp.SelectDomain(r.ctx, r.t, nil)
	if err != nil {
		return r.refused("security domain", err)
	}
	r.f.Domain = &Domain{AID: fci.AID, Locked: locked}
	resp, err := apdu.Do(r.ctx, r.t, "GET DATA key information", gp.GetData(gp.ObjectKeyInformation))
	if err != nil {
		return r.refused("key information", err)
	}
	keys, err := gp.ParseKeyInformation(resp.Data)
	if err != nil {
		return r.refused("key information", err)
	}
	r.f.Domain.Told, r.f.Domain.Keys = true, keys
	if err := r.counter(); err != nil {
		return err
	}
	return r.refused("tries of the key sets", errNoTries)
}

// counter reads how many sessions the default key set has opened; many cards do not tell.
func (r *reader) counter() error {
	resp, err := apdu.Do(r.ctx, r.t, "GET DATA sequence counter", gp.GetData(gp.ObjectSequenceCounter))
	if errors.As(err, new(*apdu.LinkError)) {
		return err
	}
	if err == nil {
		r.f.Domain.Counter, r.f.Domain.CounterSize, _ = gp.ParseSequenceCounter(resp.Data) // one that does not read is not told
	}
	return nil
}

var errNoTries = errors.New("no card tells them without beginning a session, which this verb never does")
