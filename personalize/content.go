package personalize

import (
	"context"
	"errors"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/uicc"
)

// DomainFacts is what an issuer security domain tells without keys. What the card does not have is nil.
type DomainFacts struct {
	ICCID     uicc.ICCID
	FCI       gp.FCI
	Locked    bool // the card is in the state CARD_LOCKED
	Keys      []gp.KeyEntry
	CPLC      gp.CPLC
	Resources *gp.Resources
}

// Domain reads what the issuer security domain tells everybody: seven commands at most on a card that answers SELECT without an AID.
func (r *Run) Domain(ctx context.Context, expected Expected) (DomainFacts, error) {
	r.phase("read")
	var f Facts
	var out DomainFacts
	if err := r.identify(ctx, &f); err != nil {
		return out, err
	}
	out.ICCID = f.ICCID
	if err := expected.checkICCID(f.ICCID); err != nil {
		return out, err
	}
	var err error
	if out.FCI, out.Locked, err = gp.SelectDomain(ctx, r.Card); err != nil {
		return out, err
	}
	for tag, read := range map[tlv.Tag]func([]byte) error{
		gp.ObjectKeyInformation: func(b []byte) (err error) { out.Keys, err = gp.ParseKeyInformation(b); return err },
		gp.ObjectCPLC:           func(b []byte) (err error) { out.CPLC, err = gp.ParseCPLC(b); return err },
		gp.ObjectResources: func(b []byte) error {
			v, err := gp.ParseResources(b)
			out.Resources = &v
			return err
		},
	} {
		if err := r.domainObject(ctx, tag, read); err != nil {
			return out, err
		}
	}
	return out, nil
}

// domainObject reads one object; a card that has none is no error, and one that cannot be read is worth a note.
func (r *Run) domainObject(ctx context.Context, tag tlv.Tag, read func([]byte) error) error {
	resp, err := apdu.Do(ctx, r.Card, "GET DATA "+tag.String(), gp.GetData(tag))
	if err != nil {
		return onlyLink(err)
	}
	if err := read(resp.Data); err != nil {
		r.note("%v", err)
	}
	return nil
}

// Content is a card's registry.
type Content struct {
	ICCID        uicc.ICCID
	Domains      []gp.RegistryEntry
	Applications []gp.RegistryEntry
	LoadFiles    []gp.RegistryEntry // with their modules, where the card tells them
}

// List reads the registry through a secure channel to the issuer security domain: seven commands when every kind fits one page.
func (r *Run) List(ctx context.Context, expected Expected) (Content, error) {
	r.phase("read")
	var f Facts
	var out Content
	if err := r.identify(ctx, &f); err != nil {
		return out, err
	}
	out.ICCID = f.ICCID
	if err := expected.checkICCID(f.ICCID); err != nil {
		return out, err
	}
	r.phase("session")
	s, err := r.channel(ctx, f.ICCID, func() ([]byte, error) {
		fci, _, err := gp.SelectDomain(ctx, r.Card)
		return fci.AID, err
	})
	if err != nil {
		return out, err
	}
	defer s.Close()
	r.phase("registry")
	if out.Domains, err = gp.Registry(ctx, s, gp.Domains); err != nil {
		return out, err
	}
	if out.Applications, err = gp.Registry(ctx, s, gp.Applications); err != nil {
		return out, err
	}
	out.LoadFiles, err = gp.Registry(ctx, s, gp.Modules)
	if errors.Is(err, apdu.SWWrongP1P2) { // a card that lists no modules
		out.LoadFiles, err = gp.Registry(ctx, s, gp.LoadFiles)
	}
	return out, err
}
