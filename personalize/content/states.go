package content

import (
	"bytes"
	"context"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
)

// applications reads applications and supplementary security domains alone.
func (d *Domain) applications(ctx context.Context) (Registry, error) {
	d.run.Begin("registry")
	r := Registry{ICCID: d.ICCID}
	var err error
	r.Applications, err = gp.Registry(ctx, d.Session, gp.Applications)
	return r, err
}

// PlanInstance plans INSTALL of an instance, with selectable so that it can be selected: no steps when it is there as wanted, and the rest
// when it was installed alone. What parameters it was given the card does not tell.
func (d *Domain) PlanInstance(ctx context.Context, i gp.Instance, selectable bool) ([]Step, error) {
	r, err := d.applications(ctx)
	if err != nil {
		return nil, err
	}
	here, err := r.instanceState(i)
	if e := r.application(i.AID); here != absent && e.Privileges != nil && !samePrivileges(e.Privileges, i.Privileges) {
		d.run.Remark("%X is on the card with the privileges %X, not %X", i.AID, e.Privileges, i.Privileges)
	}
	switch {
	case err != nil:
		return nil, err
	case here == absent && selectable:
		return oneStep("INSTALL [for install and make selectable]")(gp.InstallForInstall(i, true))
	case here == absent:
		return oneStep("INSTALL [for install]")(gp.InstallForInstall(i, false))
	case here == notSelectable && selectable:
		return oneStep("INSTALL [for make selectable]")(gp.InstallForMakeSelectable(i.AID, i.Privileges))
	}
	return nil, nil
}

// samePrivileges: one byte says the first of three.
func samePrivileges(a, b []byte) bool {
	return bytes.Equal(append(bytes.Clone(a), 0, 0)[:3], append(bytes.Clone(b), 0, 0)[:3])
}

// PlanLock plans SET STATUS that locks an application, PlanUnlock what gives it back; no steps when it is so already.
func (d *Domain) PlanLock(ctx context.Context, aid []byte) ([]Step, error) {
	if bytes.Equal(aid, d.run.AID) {
		d.run.Remark("this is the binding applet: while it is locked it decides nothing, and EF_IMSI stays as it is")
	}
	return d.planLock(ctx, aid, true, Step{Name: "SET STATUS: lock", Command: gp.LockApplication(aid)})
}

// PlanUnlock undoes PlanLock.
func (d *Domain) PlanUnlock(ctx context.Context, aid []byte) ([]Step, error) {
	return d.planLock(ctx, aid, false, Step{Name: "SET STATUS: unlock", Command: gp.UnlockApplication(aid)})
}

func (d *Domain) planLock(ctx context.Context, aid []byte, locked bool, s Step) ([]Step, error) {
	r, err := d.applications(ctx)
	if err != nil {
		return nil, err
	}
	switch e := r.application(aid); {
	case e == nil:
		return nil, &ConflictError{aid, "there is no application of this AID on the card"}
	case e.State&stateLocked != 0 == locked:
		return nil, nil
	}
	return []Step{s}, nil
}

// PlanCardState plans SET STATUS of the card; no steps when its life cycle is there already.
func (d *Domain) PlanCardState(ctx context.Context, state byte) ([]Step, error) {
	d.run.Begin("registry")
	domains, err := gp.Registry(ctx, d.Session, gp.Domains)
	if err != nil {
		return nil, err
	}
	if len(domains) > 0 && domains[0].State == state {
		return nil, nil
	}
	return oneStep("SET STATUS: card " + gp.StateName(gp.Domains, state))(gp.SetStatus(gp.Domains, d.FCI.AID, state))
}

// PlanDeleteKeys plans the deletion of a key set. The set the session is opened with stays, under the version the card told and under the one
// it was asked for: without it there may be no way back.
func (d *Domain) PlanDeleteKeys(ctx context.Context, kvn byte) ([]Step, error) {
	if kvn == d.Session.KVN || kvn == d.asked {
		return nil, &ConflictError{[]byte{kvn}, "this key set opened the session that would delete it; use another set's keys"}
	}
	d.run.Begin("registry")
	f := Facts{ICCID: d.ICCID}
	if err := f.read(ctx, d.run, d.Session, keyInformation); err != nil {
		return nil, err
	}
	if f.Keys != nil && !hasKey(f.Keys, kvn) {
		return nil, &ConflictError{[]byte{kvn}, "the card has no key set of this version"}
	}
	return []Step{{Name: fmt.Sprintf("DELETE key set %02X", kvn), Command: gp.DeleteKeys(kvn, 0)}}, nil
}

// oneStep is a plan of one command.
func oneStep(name string) func(apdu.Command, error) ([]Step, error) {
	return func(c apdu.Command, err error) ([]Step, error) {
		if err != nil {
			return nil, err
		}
		return []Step{{Name: name, Command: c}}, nil
	}
}
