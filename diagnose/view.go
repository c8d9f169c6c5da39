package diagnose

import (
	"encoding/json"
	"fmt"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// View is what was read of a card as reports show it: identities shortened unless they were to be revealed. What the card did not
// show is empty or missing.
type View struct {
	Reader       string                   `json:"reader"`
	ATR          ATRView                  `json:"atr"`
	ICCID        string                   `json:"iccid,omitempty"`
	Applications []ApplicationView        `json:"applications"`
	PIN1         CodeView                 `json:"pin1"`
	ADM1         CodeView                 `json:"adm1"`
	EFIMSI       []CopyView               `json:"ef_imsi"`
	MNCLength    int                      `json:"mnc_length"` // 0: EF_AD does not tell
	Home         string                   `json:"home_network,omitempty"`
	Network      string                   `json:"network_name,omitempty"` // EF_SPN
	Services     []ServiceView            `json:"services"`
	Forbidden    []string                 `json:"forbidden_networks"`
	Location     []PlaceView              `json:"location"`
	Pairing      *PairingView             `json:"pairing,omitempty"`
	Applet       *binding.InformationView `json:"applet"` // null: none that is understood
	State        *binding.StateView       `json:"state,omitempty"`
	Models       map[string]string        `json:"models,omitempty"` // brand and model by TAC
	Domain       *DomainView              `json:"domain"`           // null: none answers
}

// ATRView is an answer to reset in words.
type ATRView struct {
	Hex        string   `json:"hex"`
	Convention string   `json:"convention,omitempty"` // direct, inverse
	Protocols  []string `json:"protocols"`            // "T=0"
	Speed      string   `json:"speed,omitempty"`
	Historical string   `json:"historical,omitempty"` // hex
}

// ApplicationView is one application of EF_DIR.
type ApplicationView struct {
	AID   string `json:"aid"`
	Label string `json:"label"`
}

// CodeView is the state of a PIN or ADM code.
type CodeView struct {
	Enabled   bool   `json:"enabled"`
	State     string `json:"state"`
	TriesLeft *int   `json:"tries_left,omitempty"`
}

// CopyView is one copy of EF_IMSI.
type CopyView struct {
	Place string `json:"place"`
	State string `json:"state"` // life cycle; missing, not readable
	IMSI  string `json:"imsi,omitempty"`
}

// ServiceView is a service of EF_UST that is available.
type ServiceView struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

// PlaceView is one file of the LOCI family.
type PlaceView struct {
	File     string `json:"file"`
	Status   string `json:"status"`
	Network  string `json:"network"`
	Identity bool   `json:"temporary_identity"`
}

// PairingView is the 3GPP application pairing.
type PairingView struct {
	Statuses string   `json:"statuses"` // newest first
	Devices  []string `json:"devices"`
	Ranges   []string `json:"ranges"`
}

// DomainView is the issuer security domain.
type DomainView struct {
	AID    string   `json:"aid"`
	Locked bool     `json:"locked"`
	Keys   []string `json:"key_versions"` // two hex digits each
}

// View shows the facts.
func (f *Facts) View(s Show) View {
	v := View{
		Reader: f.Reader, ATR: ViewATR(f.ATR), Applications: []ApplicationView{}, PIN1: viewCode(f.PIN1), ADM1: viewCode(f.ADM1),
		EFIMSI: []CopyView{}, MNCLength: f.MNC(), Services: ViewServices(f.UST), Forbidden: []string{}, Location: []PlaceView{},
		Network: NetworkName(f.SPN), ICCID: s.ICCID(f.ICCID),
	}
	for _, a := range f.Applications {
		v.Applications = append(v.Applications, ApplicationView{fmt.Sprintf("%X", a.AID), a.Label})
	}
	for _, c := range f.Copies {
		v.EFIMSI = append(v.EFIMSI, f.viewCopy(c, s))
	}
	if home, ok := f.Home(); ok {
		v.Home = home.String()
	}
	for _, p := range f.Places {
		v.Location = append(v.Location, PlaceView{p.Name, p.StatusWords(), p.PLMN.String(), p.HoldsIdentity()})
	}
	for _, p := range f.forbidden() {
		v.Forbidden = append(v.Forbidden, p.String())
	}
	f.viewBinding(&v, s)
	return v
}

// MarshalJSON is View with identities shortened.
func (f *Facts) MarshalJSON() ([]byte, error) { return json.Marshal(f.View(Show{})) }

func (f *Facts) viewBinding(v *View, s Show) {
	if p := f.Pairing; p != nil {
		v.Pairing = &PairingView{Statuses: statusWords(p.Statuses), Devices: []string{}, Ranges: []string{}}
		for _, d := range p.Devices {
			v.Pairing.Devices = append(v.Pairing.Devices, s.digits(d.Digits))
		}
		for _, r := range p.Ranges {
			v.Pairing.Ranges = append(v.Pairing.Ranges, s.digits(r.Low)+" to "+s.digits(r.High))
		}
	}
	if a := f.Applet; a != nil {
		info, state := a.Info.View(), a.State.View(s.Reveal)
		v.Applet, v.State, v.Models = &info, &state, s.Named(a.State)
	}
	if d := f.Domain; d != nil {
		v.Domain = &DomainView{AID: fmt.Sprintf("%X", d.AID), Locked: d.Locked, Keys: versions(d)}
	}
}

func versions(d *Domain) []string {
	out, seen := []string{}, map[byte]bool{}
	for _, k := range d.Keys {
		if !seen[k.KVN] {
			seen[k.KVN] = true
			out = append(out, fmt.Sprintf("%02X", k.KVN))
		}
	}
	return out
}

func (f *Facts) viewCopy(c Copy, s Show) CopyView {
	v := CopyView{Place: c.Place, State: "not readable"}
	switch {
	case c.Missing:
		v.State = "missing"
	case c.FCP != nil:
		v.State = c.FCP.LifeCycle.String()
	}
	if c.Content != nil {
		v.IMSI = s.IMSI(c.Content, f.MNC())
	}
	return v
}

func viewCode(c Code) CodeView {
	v := CodeView{Enabled: c.Enabled, State: "not asked"}
	if c.Told || c.Disabled {
		v.State = c.PINState.String()
	}
	if c.Told && c.TriesLeft >= 0 {
		v.TriesLeft = &c.TriesLeft
	}
	return v
}

// ViewATR is an answer to reset in words.
func ViewATR(a uicc.ATR) ATRView {
	v := ATRView{Hex: a.String(), Protocols: []string{}, Historical: fmt.Sprintf("%X", a.Historical)}
	if len(a.Raw) == 0 {
		return v
	}
	v.Convention = "direct"
	if a.Inverse {
		v.Convention = "inverse"
	}
	for _, p := range a.Protocols {
		v.Protocols = append(v.Protocols, fmt.Sprintf("T=%d", p))
	}
	if s, ok := a.Speed(); ok {
		v.Speed = s.String()
	}
	return v
}

// ViewServices lists the services of EF_UST that are available.
func ViewServices(ust []byte) []ServiceView {
	out := []ServiceView{}
	for _, n := range usim.Services(ust).List() {
		out = append(out, ServiceView{n, usim.ServiceName(n)})
	}
	return out
}

// NetworkName is the name in EF_SPN, "" when there is none.
func NetworkName(spn []byte) string {
	v, err := usim.EFSPN.Decode(spn)
	name, ok := v.(usim.SPN)
	if err != nil || !ok {
		return ""
	}
	return name.Name
}

// ICCID is the number of the card, shortened unless it is to be revealed.
func (s Show) ICCID(id uicc.ICCID) string {
	switch {
	case id == "":
		return ""
	case s.Reveal:
		return id.String()
	}
	return id.Short()
}

// Named gives brand and model of the TACs a state shows, nil when none is known.
func (s Show) Named(st binding.State) map[string]string {
	var out map[string]string
	seen := st.Bound
	if st.LastIMEI != nil {
		seen = append(seen[:len(seen):len(seen)], *st.LastIMEI)
	}
	for _, v := range seen {
		if m, ok := s.Models.Find(v.String()); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[v.String()[:8]] = m.String()
		}
	}
	return out
}
