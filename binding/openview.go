package binding

// DecideOpen is Decide for a card of which the state alone is known, as it is shown without keys: no entries, and of a bound terminal perhaps
// the TAC alone. known is false where that does not tell; the reason then says what is missing.
func (s State) DecideOpen(imei *IMEI) (v Verdict, known bool) {
	c := Configuration{Scheme: Off, Policy: s.Policy}
	switch {
	case s.Status == Unconfigured:
		return Verdict{Decision: AllowedOff, Reason: "the applet was never configured: every terminal is allowed", Enforced: true}, true
	case s.Status == SwitchedOff:
		return c.Decide(nil, imei), true
	case imei == nil || !imei.Valid():
		c.Scheme = Preset
		return c.Decide(nil, nil), true
	case s.Status == Bound:
		v, known = s.decideBoundOpen(*imei)
	case s.Status == Armed:
		v = Verdict{Reason: "the card waits for its first terminal; which ones may be first is shown with keys alone"}
	case s.Status == PresetActive:
		v = Verdict{Reason: "the entries of a preset are shown with keys alone"}
	default:
		v = Verdict{Reason: "the card is in a state this program does not know"}
	}
	v.Enforced = !s.Policy.Has(ObserveOnly)
	return v, known
}

func (s State) decideBoundOpen(imei IMEI) (v Verdict, known bool) {
	var whole []IMEI
	for _, b := range s.Bound {
		if i, ok := b.IMEI(); ok {
			whole = append(whole, i)
		} else if b.Short() == imei.Short() {
			return Verdict{Reason: "a terminal of the same model is bound; its serial number is shown with keys alone"}, false
		}
	}
	return decideBound(whole, imei), true
}
