package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Access is what the binding applet needs to do with the files of a card, read from the card.
type Access struct {
	USIM    []byte // full AID of ADF.USIM from EF_DIR; nil: none
	Domains []gp.Access
	Files   []FileRule
}

// FileRule is one file the applet reads and writes, and what the card asks for that.
type FileRule struct {
	Name         string
	Read, Update string // "PIN1", "ADM1", "always", "never", "not understood"
}

// The files the applet works on (card interface §8). EF_IMSI has to be there and writable, the others may be missing.
var (
	usimFiles = []usim.File{
		usim.EFIMSI, usim.EFLOCI, usim.EFPSLOCI, usim.EFEPSLOCI, usim.EFKeys, usim.EFKeysPS, usim.EFEPSNSC, usim.EFFPLMN, usim.EFIPS,
		usim.EF5GS3GPPLOCI, usim.EF5GSN3GPPLOCI, usim.EF5GS3GPPNSC, usim.EF5GSN3GPPNSC,
	}
	gsmFiles = []usim.File{usim.GSMIMSI, usim.GSMLOCI, usim.GSMLOCIGPRS, usim.GSMKc, usim.GSMKcGPRS, usim.GSMFPLMN}
)

// ReadAccess reads EF_DIR for the full AID of ADF.USIM, and for every file the applet works on its rule in EF_ARR, and makes of it the
// access domains with the least rights that do. A rule that is not understood asks for full access, with a remark.
func ReadAccess(ctx context.Context, run *personalize.Run) (Access, error) {
	run.Begin("read access")
	r := surveyor{ctx: ctx, run: run, rules: uicc.NewRuleReader(run.Card)}
	var out Access
	var err error
	if out.USIM, err = usim.FindUSIM(ctx, run.Card); err != nil {
		return out, err
	}
	adf, gsm := rights{}, rights{}
	if out.USIM != nil {
		if _, err := uicc.SelectAID(ctx, run.Card, "ADF.USIM", out.USIM); err != nil {
			return out, err
		}
		if err := r.tree(&out, &adf, usimFiles); err != nil {
			return out, err
		}
	}
	if err := r.tree(&out, &gsm, gsmFiles); err != nil {
		return out, err
	}
	if !adf.imsi && !gsm.imsi {
		return out, &personalize.UnfitError{Reason: "the card has no EF_IMSI that an applet could write"}
	}
	out.Domains = []gp.Access{{Domain: gsm.domain()}}
	if out.USIM != nil {
		out.Domains = append(out.Domains, gp.Access{ADF: out.USIM, Domain: adf.domain()})
	}
	return out, nil
}

// surveyor looks at the files the applet works on.
type surveyor struct {
	ctx   context.Context
	run   *personalize.Run
	rules *uicc.RuleReader
}

func (r *surveyor) tree(out *Access, into *rights, files []usim.File) error {
	for _, f := range files {
		if err := r.file(out, into, f); err != nil {
			return err
		}
	}
	return nil
}

// file adds what one file asks for; a file that is missing asks for nothing.
func (r *surveyor) file(out *Access, into *rights, f usim.File) error {
	fcp, err := uicc.SelectFilePath(r.ctx, r.run.Card, f.Name, f.Path)
	if errors.As(err, new(*apdu.Error)) {
		return nil
	}
	if err != nil {
		return err
	}
	rules, err := r.rules.Rules(r.ctx, fcp, f.Path)
	if err != nil {
		return err
	}
	row := FileRule{Name: f.Name, Read: uicc.RuleFor(rules, uicc.ModeRead), Update: uicc.RuleFor(rules, uicc.ModeUpdate)}
	out.Files = append(out.Files, row)
	imsi := f.FID == usim.EFIMSI.FID
	if row.Update == uicc.Never || row.Read == uicc.Never {
		if imsi {
			return &personalize.UnfitError{Reason: fmt.Sprintf("%s may never be read or updated on this card (EF_ARR), so that no applet can switch it", f.Name)}
		}
		return nil
	}
	into.imsi = into.imsi || imsi
	if !into.add(rules, uicc.ModeRead) || !into.add(rules, uicc.ModeUpdate) {
		r.run.Remark("%s: its access rule is not understood; the applet is given full access to its tree", f.Name)
	}
	return nil
}

// rights gathers the codes an access domain has to count as verified (TS 102 226 clause 8.2.1.3.2.5).
type rights struct {
	refs   []uicc.KeyRef
	always bool
	full   bool
	imsi   bool // there is an EF_IMSI in this tree
}

// add adds what an access mode asks for; false: not understood, and full access is asked for. Of alternatives the first that is granted
// already does, else a PIN, else the first; conditions that must all hold are all added.
func (g *rights) add(rules []uicc.AccessRule, mode byte) bool {
	words := uicc.RuleFor(rules, mode)
	switch {
	case words == uicc.NotUnderstood || strings.Contains(words, uicc.NotUnderstood):
		g.full = true
		return false
	case strings.Contains(words, uicc.Always):
		g.always = true
		return true
	}
	refs := uicc.RefsFor(rules, mode)
	if !strings.Contains(words, " and ") {
		refs = g.cheapest(refs)
	}
	for _, ref := range refs {
		if _, _, ok := domainBit(ref); !ok {
			g.full = true
			return false
		}
		if !slices.Contains(g.refs, ref) {
			g.refs = append(g.refs, ref)
		}
	}
	return true
}

func (g *rights) cheapest(refs []uicc.KeyRef) []uicc.KeyRef {
	for _, wanted := range []func(uicc.KeyRef) bool{
		func(r uicc.KeyRef) bool { return slices.Contains(g.refs, r) },
		func(r uicc.KeyRef) bool { return r >= 0x01 && r <= 0x08 },
		func(uicc.KeyRef) bool { return true },
	} {
		if n := slices.IndexFunc(refs, wanted); n >= 0 {
			return refs[n : n+1]
		}
	}
	return nil
}

// alwaysBit of the third byte: files that are always accessible.
const alwaysBit = 0x04

// domainBit gives byte (0 to 2) and bit of a key reference in an access domain: PIN 01 to 08, ADM1 to ADM8, ADM9, ADM10.
func domainBit(ref uicc.KeyRef) (at int, bit byte, ok bool) {
	switch {
	case ref >= 0x01 && ref <= 0x08:
		return 0, 1 << (ref - 0x01), true
	case ref >= 0x0A && ref <= 0x0E:
		return 1, 1 << (ref - 0x0A), true
	case ref >= 0x8A && ref <= 0x8C:
		return 1, 1 << (ref - 0x8A + 5), true
	case ref == 0x8D || ref == 0x8E:
		return 2, 1 << (ref - 0x8D), true
	}
	return 0, 0, false
}

// domain is the access domain: no access when nothing is needed.
func (g *rights) domain() []byte {
	if g.full {
		return gp.FullAccess
	}
	if len(g.refs) == 0 && !g.always {
		return gp.NoAccess
	}
	out := []byte{0x02, 0, 0, 0}
	for _, ref := range g.refs {
		at, bit, _ := domainBit(ref)
		out[1+at] |= bit
	}
	if g.always {
		out[3] |= alwaysBit
	}
	return out
}
