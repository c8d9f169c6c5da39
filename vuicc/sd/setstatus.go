package sd

import "github.com/simbind/simbind/apdu"

// setStatus is SET STATUS (GPCS clause 11.10): P1 80 the card, P2 its new life cycle; P1 40 an application, P2 b8 locks it and without b8
// gives it back the state it had.
func (d *Domain) setStatus(c apdu.Command) apdu.Response {
	reg := d.reg.copied()
	sw := apdu.SWWrongP1P2
	switch c.P1 {
	case listDomain:
		sw = reg.setCard(c.P2)
	case listApplications:
		if reg.State == CardLocked {
			return refuse(apdu.SWConditions)
		}
		sw = reg.setApplication(c.Data, c.P2)
	}
	if sw != apdu.SWOK {
		return refuse(sw)
	}
	if err := d.setRegistry(reg); err != nil {
		return refuse(statusOr(err, apdu.SWMemory))
	}
	if c.P1 == listApplications && c.P2&lockedBit != 0 {
		d.dropTarget(c.Data)
	}
	return apdu.Response{SW: apdu.SWOK}
}

// transitions of the card's life cycle (GPCS figure 5-1): forward one step at a time, and between SECURED and LOCKED both ways. This card
// is never terminated.
var transitions = map[[2]byte]bool{
	{OPReady, Initialized}: true,
	{Initialized, Secured}: true,
	{Secured, CardLocked}:  true,
	{CardLocked, Secured}:  true,
}

func (r *registry) setCard(state byte) apdu.SW {
	switch state {
	case OPReady, Initialized, Secured, CardLocked, terminated:
	default:
		return apdu.SWWrongP1P2
	}
	if !transitions[[2]byte{r.State, state}] {
		return apdu.SWConditions
	}
	r.State = state
	return apdu.SWOK
}

func (r *registry) setApplication(aid []byte, state byte) apdu.SW {
	if !validAID(aid) {
		return apdu.SWWrongData
	}
	n := r.instance(aid)
	if n < 0 {
		return apdu.SWReferenceNotFound
	}
	lock := state&lockedBit != 0
	if r.Instances[n].Locked() == lock {
		return apdu.SWConditions
	}
	r.Instances[n].State ^= lockedBit
	return apdu.SWOK
}
