package vuicc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// edited makes and powers a card of a changed image.
func edited(t testing.TB, name string, edit func(*image.Image), opts ...vuicc.Option) *vuicc.Card {
	t.Helper()
	img, err := image.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	edit(&img)
	c, err := vuicc.New(img, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	return c
}

// carrying has the load file, and one instance with a TAR, a menu identifier and quotas.
func carrying(t testing.TB, name string) (*vuicc.Card, *remote) {
	t.Helper()
	c := powered(t, name)
	r := administer(t, c, gp.LevelCMAC)
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60C00", install(moduleAID, "C9 00 EF 08 C7020100 C8021000 EA 0F 80 0D 0500 0A 01 0107 00 00 03B00001 00"))
	return c, r
}

const otherAID = "F053494D42494E4402"

// TestInstallRefusals: one row, one INSTALL [for install] on a card that carries an instance already.
func TestInstallRefusals(t *testing.T) {
	tree := func(tag, aid, domain, dap string) string { return tag + lv(lv(aid, domain, dap)) }
	mf := tree("81", "", "00", "")
	toolkit := func(priority, timers, menu, tars string) string {
		v := strip(priority + timers + "0A" + menu + "00" + "00" + lv(tars) + "00")
		return "80" + lv(v)
	}
	ea := func(v string) string { return "C900EA" + lv(v) }
	for name, row := range map[string]struct{ instance, parameters, want string }{
		"as it should be":          {otherAID, ea(toolkit("01", "08", "01 0108", "B00002") + mf), "009000"},
		"AID of an instance":       {moduleAID, "C900", "6985"},
		"AID of a load file":       {packageAID, "C900", "6985"},
		"AID of the domain":        {domainAID, "C900", "6985"},
		"an ADF":                   {otherAID, ea(tree("81", usim, "02010100", "")), "009000"},
		"unknown ADF":              {otherAID, ea(tree("81", "A000000099", "00", "")), "6A80"},
		"ADF by a part of its AID": {otherAID, ea(tree("81", usim[:14], "00", "")), "6A80"},
		"administration of it":     {otherAID, ea(tree("82", usim[:14], "00", "")), "6A80"},
		"domain of no known kind":  {otherAID, ea(tree("81", usim, "03010100", "")), "6A80"},
		"TAR in use":               {otherAID, ea(toolkit("01", "00", "00", "B00002 B00001")), "6A80"},
		"TAR of the domain":        {otherAID, ea(toolkit("01", "00", "00", "000000")), "6A80"},
		"TAR of two bytes":         {otherAID, ea(toolkit("01", "00", "00", "B000")), "6A80"},
		"menu identifier in use":   {otherAID, ea(toolkit("01", "00", "01 0107", "")), "6A80"},
		"menu identifier 80":       {otherAID, ea(toolkit("01", "00", "01 0180", "")), "6A80"},
		"nine timers":              {otherAID, ea(toolkit("01", "09", "00", "")), "6A80"},
		"priority 00":              {otherAID, ea(toolkit("00", "00", "00", "")), "6A80"},
		"DAP":                      {otherAID, ea(tree("81", "", "00", "AA")), "6A80"},
		"C9 is missing":            {otherAID, "EA" + lv(mf), "6A80"},
		"EA before C9":             {otherAID, "EA" + lv(mf) + "C900", "6A80"},
		"EA in EF":                 {otherAID, "C900EF" + lv("EA"+lv(mf)), "6A80"},
		"CA and EA":                {otherAID, "C900EF0B CA09 0100 0101 00 00 00 00 00 EA" + lv(mf), "6A80"},
		"toolkit outside EA":       {otherAID, "C900" + toolkit("01", "00", "00", ""), "6A80"},
		"C9 longer than the field": {otherAID, "C905 00", "6A80"},
		"too much memory":          {otherAID, "C900EF04 C802F000", "6A84"},
		"too much volatile memory": {otherAID, "C900EF04 C7020701", "6A84"},
		"all volatile memory":      {otherAID, "C900EF04 C7020700", "009000"},
		"applet says no":           {otherAID, "C9 03 99 01 00", "6A80"},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := carrying(t, "no-applet-t1")
			before := cells(c)
			r.want(row.want, "80E60C00", install(row.instance, row.parameters))
			if row.want == "009000" {
				r.want("009000", "80E40000", "4F"+lv(row.instance))
			}
			if after := cells(c); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("something stayed")
			}
		})
	}
}

// TestImports: a load file links against what the platform of the image has, the same major version and no lower minor.
func TestImports(t *testing.T) {
	for name, row := range map[string]struct{ image, imports, want string }{
		"as old as can be":       {"no-applet", framework12 + access10 + toolkit10 + globalplat, "009000"},
		"the same, newer card":   {"no-applet-t1", framework12 + access10 + toolkit10 + globalplat, "009000"},
		"toolkit 1.7, release 6": {"no-applet", "07 01 10 A0000000090005FFFFFFFF8912000000", "6438"},
		"toolkit 1.7":            {"no-applet-t1", "07 01 10 A0000000090005FFFFFFFF8912000000", "009000"},
		"toolkit 2.0":            {"no-applet-t1", "00 02 10 A0000000090005FFFFFFFF8912000000", "6438"},
		"framework 1.6":          {"no-applet-t1", "06 01 07 A0000000620101", "6438"},
		"sim.toolkit":            {"no-applet", "05 02 10 A0000000090003FFFFFFFF8910710002", "009000"},
		"no sim.toolkit":         {"no-applet-t1", "05 02 10 A0000000090003FFFFFFFF8910710002", "6438"},
		"unknown":                {"no-applet-t1", "00 01 05 F000000001", "6438"},
	} {
		t.Run(name, func(t *testing.T) {
			r := administer(t, powered(t, row.image), gp.LevelCMAC)
			var imports []string
			for rest := strip(row.imports); rest != ""; {
				n := 6 + 2*int(unhex(t, rest[4:6])[0])
				imports, rest = append(imports, rest[:n]), rest[n:]
			}
			answer, err := r.load(packageAID, loadFile(packageAID, []string{moduleAID}, imports...))
			if err != nil || answer != row.want {
				t.Fatalf("%s, %v", answer, err)
			}
			r.want(map[bool]string{true: "6985", false: "009000"}[answer == "009000"], "80E60200", lv(packageAID, "", "", "", ""))
		})
	}
}

// TestMemoryBudget: what is free is told exactly, and what does not fit is refused before it is taken.
func TestMemoryBudget(t *testing.T) {
	size := len(bindingFile()) / 2
	c := edited(t, "no-applet-t1", func(i *image.Image) { i.Domain.NonVolatile, i.Domain.Volatile = size+100, 50 })
	r := administer(t, c, 0)
	free := func(count, nonVolatile, volatile int) {
		t.Helper()
		talk(t, c, "80CAFF2100", fmt.Sprintf("FF211081%02X%04X8204%08X8304%08X9000", 2, count, nonVolatile, volatile))
	}
	free(0, size+100, 50)
	r.want("6A84", "80E60200", lv(packageAID, "", "", fmt.Sprintf("EF 04 C602 %04X", size+101), ""))
	if answer, err := r.load(packageAID, bindingFile()+strings.Repeat("FF", 101)); err != nil || answer != "6A84" {
		t.Errorf("%s, %v", answer, err)
	}
	r.loaded(packageAID, bindingFile())
	free(0, 100, 50)
	r.want("6A84", "80E60C00", install(moduleAID, "C900EF08 C7020033 C8020010"))
	r.want("6A84", "80E60C00", install(moduleAID, "C900EF08 C7020032 C8020065"))
	r.want("009000", "80E60C00", install(moduleAID, "C900EF08 C7020032 C8020064"))
	free(1, 0, 0)
	r.want("009000", "80E40080", "4F08"+packageAID)
	free(0, size+100, 50)
}

// TestGrants: without toolkit parameters an applet has no registry entry and without access domains no files; CA gives it both, but no ADF.
func TestGrants(t *testing.T) {
	for name, row := range map[string]struct{ parameters, want string }{
		"none": {"C900", "registry false, timers 0, MF UICCException reason 3, ADF UICCException reason 3"},
		"EA":   {"C900" + fullAccess, "registry true, timers 1, MF <nil>, ADF <nil>"},
		"CA":   {"C900 EF0B CA09 0100 0102 00 00 00 00 00", "registry true, timers 2, MF <nil>, ADF UICCException reason 3"},
	} {
		var log []string
		see := func(p *probe, e plug.Event) {
			if e == 0 {
				p.note("registry %v, timers %d, MF %v, ADF %v", p.env.Registry() != nil, timers(p), reads(p, nil, 0x2FE2), reads(p, image.USIM(), 0x6F07))
			}
		}
		c := powered(t, "no-applet-t1", vuicc.WithModule(unhex(t, moduleAID), func(env plug.Env) plug.Applet { return &probe{env, &log, name, see} }))
		r := administer(t, c, gp.LevelCMAC)
		r.loaded(packageAID, bindingFile())
		r.want("009000", "80E60C00", install(moduleAID, row.parameters))
		expect(t, &log, name+" "+row.want)
	}
}

func timers(p *probe) (n int) {
	registry := p.env.Registry()
	if registry == nil {
		return 0
	}
	for _, ok := registry.AllocateTimer(); ok; _, ok = registry.AllocateTimer() {
		n++
	}
	return n
}

func reads(p *probe, adf []byte, fid uint16) error {
	v, err := p.env.FileView(adf)
	if err != nil {
		return err
	}
	if _, err := v.Select(fid); err != nil {
		return err
	}
	_, err = v.ReadBinary(0, 1)
	return err
}

// TestAccessDomainTooSmall: an instance that may read EF_IMSI and not write it says 02 in tag 89 when it has to.
func TestAccessDomainTooSmall(t *testing.T) {
	const readOnly = "EA 2A 80 08 0101000000000000 81 1E 00 04 02010000 00 10" + usim + "04 02010000 00"
	c := powered(t, "no-applet-t1")
	r := administer(t, c, gp.LevelCMAC)
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60C00", install(moduleAID, application+readOnly))
	before := content(c, "ADF1/6F07")
	visit(t, c, imeiB)
	if got := content(c, "ADF1/6F07"); got != before {
		t.Errorf("EF_IMSI %s", got)
	}
	talk(t, c, "00A4040C09"+moduleAID, "9000")
	if e1 := say(t, c, "80CA00E100"); !strings.Contains(e1, "820103") || !strings.Contains(e1, "890102") {
		t.Errorf("E1 %s", e1)
	}
}
