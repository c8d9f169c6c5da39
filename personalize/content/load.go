package content

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/personalize"
)

// LoadWish is a load file as it shall be on a card.
type LoadWish struct {
	CAP        *capfile.File
	Descriptor bool      // load the Descriptor component too
	Domain     []byte    // AID of the security domain it goes to; nil: the one of the session
	Hash       []byte    // of the load file; nil: none is sent
	Quota      *gp.Quota // of the instance that is made of it afterwards, for the look at the card's memory; nil: none
}

// PlanLoad holds a CAP file against what the card has: no steps when the load file is there.
func (d *Domain) PlanLoad(ctx context.Context, w LoadWish) ([]Step, error) {
	d.run.Begin("registry")
	var r Registry
	if err := d.listContent(ctx, &r); err != nil {
		return nil, err
	}
	if e, err := r.loadFile(w.CAP); e != nil || err != nil {
		if err == nil && w.Domain != nil && e.Domain != nil && !bytes.Equal(w.Domain, e.Domain) {
			err = &ConflictError{e.AID, fmt.Sprintf("the load file is on the card, and belongs to the security domain %X", e.Domain)}
		}
		d.sameFile(err == nil)
		return nil, err
	}
	free, err := d.resources(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.fits(r, free); err != nil {
		return nil, err
	}
	return w.steps(d.Room())
}

// sameFile: no command tells what a load file holds.
func (d *Domain) sameFile(loaded bool) {
	if loaded {
		d.run.Remark("a load file of this AID and version is on the card; whether it is this CAP file the card does not tell")
	}
}

// resources reads what the card has left, nil when it does not tell.
func (d *Domain) resources(ctx context.Context) (*gp.Resources, error) {
	var f Facts
	err := f.read(ctx, d.run, d.Session, resources)
	return f.Resources, err
}

// loadFile finds the row of a CAP file's package, nil when there is none; another version is in the way.
func (r Registry) loadFile(file *capfile.File) (*gp.RegistryEntry, error) {
	e := find(r.LoadFiles, file.Package.AID)
	if e == nil {
		return nil, nil
	}
	if v := file.Package.Version; len(e.Version) == 2 && (e.Version[0] != v.Major || e.Version[1] != v.Minor) {
		return e, &ConflictError{e.AID, fmt.Sprintf("the load file is on the card in version %d.%d, the CAP file has %s", e.Version[0], e.Version[1], v)}
	}
	return e, nil
}

// fits looks at what can be known before the first LOAD: packages the card lists in an older version than the file imports, and its
// memory. The card's own word comes with the last LOAD.
func (w LoadWish) fits(r Registry, free *gp.Resources) error {
	for _, want := range w.CAP.Imports {
		for _, have := range r.LoadFiles {
			if bytes.Equal(have.AID, want.AID) && len(have.Version) == 2 && (have.Version[0] != want.Version.Major || have.Version[1] < want.Version.Minor) {
				return &personalize.UnfitError{Reason: fmt.Sprintf("the CAP file imports %s, the card has version %d.%d of it", want, have.Version[0], have.Version[1])}
			}
		}
	}
	size := len(w.CAP.LoadFile(w.Descriptor))
	switch {
	case free == nil:
		return nil
	case free.FreeNonVolatile < size:
		return &personalize.UnfitError{Reason: fmt.Sprintf("the load file has %d bytes, the card has %d bytes free", size, free.FreeNonVolatile)}
	case w.Quota == nil:
		return nil
	case free.FreeNonVolatile < size+w.Quota.NonVolatile:
		return &personalize.UnfitError{Reason: fmt.Sprintf("load file and instance take %d bytes, the card has %d bytes free", size+w.Quota.NonVolatile, free.FreeNonVolatile)}
	case free.FreeVolatile < w.Quota.Volatile:
		return &personalize.UnfitError{Reason: fmt.Sprintf("the instance takes %d bytes of volatile memory, the card has %d free", w.Quota.Volatile, free.FreeVolatile)}
	}
	return nil
}

// steps are INSTALL [for load] and every LOAD, room bytes a block.
func (w LoadWish) steps(room int) ([]Step, error) {
	first, err := gp.InstallForLoad(w.CAP.Package.AID, w.Domain, w.Hash, nil)
	if err != nil {
		return nil, err
	}
	block := w.CAP.LoadFile(w.Descriptor)
	loads, err := gp.Load(block, room)
	if err != nil {
		return nil, err
	}
	what := "Descriptor left out"
	if w.Descriptor {
		what = "Descriptor included"
	}
	steps := []Step{{Name: "INSTALL [for load]", Command: first, Note: fmt.Sprintf("%s, %d bytes, %s", w.CAP.Package, len(block), what)}}
	for n, c := range loads {
		steps = append(steps, Step{Name: fmt.Sprintf("LOAD block %d of %d", n+1, len(loads)), Command: c})
	}
	return steps, nil
}

// BindingAppletError refuses to delete the binding applet as if it were any other: EF_IMSI may hold the denial value (card interface §6).
type BindingAppletError struct{ AID []byte }

func (e *BindingAppletError) Error() string {
	return fmt.Sprintf("%X is the binding applet: with it gone EF_IMSI could hold the denial value for ever", e.AID)
}

// bindingApplet finds what the deletion of aid would take along: the instance the run names, or any other made from the binding package.
func (r Registry) bindingApplet(instance, aid []byte) *gp.RegistryEntry {
	n := slices.IndexFunc(r.Applications, func(e gp.RegistryEntry) bool {
		binds := bytes.Equal(e.AID, instance) || madeFrom(e, binding.DefaultPackageAID)
		return binds && (bytes.Equal(e.AID, aid) || madeFrom(e, aid))
	})
	if n < 0 {
		return nil
	}
	return &r.Applications[n]
}

// PlanDelete plans the deletion of an application or a load file, with related everything made from it. missingOK: what is not on the card
// is as wanted. The binding applet is refused with *BindingAppletError.
func (d *Domain) PlanDelete(ctx context.Context, aid []byte, related, missingOK bool) ([]Step, error) {
	d.run.Begin("registry")
	var r Registry
	if err := d.listContent(ctx, &r); err != nil {
		return nil, err
	}
	made := func(e gp.RegistryEntry) bool { return madeFrom(e, aid) }
	if e := r.bindingApplet(d.run.AID, aid); e != nil {
		return nil, &BindingAppletError{AID: e.AID}
	}
	if bytes.Equal(aid, d.FCI.AID) {
		return nil, &ConflictError{aid, "it is the security domain the session is with"}
	}
	switch file, app := find(r.LoadFiles, aid) != nil, r.application(aid) != nil; {
	case !file && !app && missingOK:
		return nil, nil
	case !file && !app:
		return nil, &ConflictError{aid, "it is not on the card"}
	case file && !related && slices.ContainsFunc(r.Applications, made):
		return nil, &ConflictError{aid, "an application made from this load file is on the card"}
	case app: // related objects are those of a load file
		related = false
	}
	return []Step{{Name: fmt.Sprintf("DELETE %X", aid), Command: gp.Delete(aid, related)}}, nil
}
