//go:build pkcs11 && cgo && !windows

package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestTokenScripts runs every file of testdata/pkcs11 beside a token: scripts/with-softhsm makes it.
func TestTokenScripts(t *testing.T) {
	module, pin := os.Getenv("SIMBIND_SOFTHSM"), os.Getenv("SIMBIND_SOFTHSM_PIN_FILE")
	if module == "" || pin == "" {
		t.Fatal("no token: run this through scripts/with-softhsm")
	}
	putMasters(t, module)
	scripts, err := filepath.Glob(filepath.Join("testdata", "pkcs11", "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts { // one after the other: a wrong PIN is written into the token, and who reads it meanwhile finds none
		t.Run(filepath.Base(script), func(t *testing.T) { testscript.Run(t, tokenScript(script, module, pin)) })
	}
}

func tokenScript(script, module, pin string) testscript.Params {
	return testscript.Params{
		Files:               []string{script},
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{
				"SIMBIND_STATE_DIR": filepath.Join(e.WorkDir, "state"), "SIMBIND_READER": "virtual:card.json",
				"SOFTHSM2_CONF": os.Getenv("SOFTHSM2_CONF"), "MODULE": module, "PIN_FILE": pin,
			} {
				e.Setenv(name, value)
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "keys.csv"), []byte(keyFile), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "valid": valid, "private": private, "subst": subst},
	}
}

// subst writes a file with the token's library and PIN file in it: subst token.yaml
func subst(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// masters are what the scripts put on virtual cards, and what the token holds.
var masters = map[string]struct {
	kind  uint
	value string
}{
	"des-enc": {pkcs11.CKK_DES2, "00112233445566778899AABBCCDDEEFF"},
	"des-mac": {pkcs11.CKK_DES2, "102132435465768798A9BACBDCEDFE0F"},
	"des-dek": {pkcs11.CKK_DES2, "2031425364758697A8B9CADBECFD0E1F"},
	"aes-enc": {pkcs11.CKK_AES, "00112233445566778899AABBCCDDEEFF"},
	"aes-mac": {pkcs11.CKK_AES, "102132435465768798A9BACBDCEDFE0F"},
	"bad-enc": {pkcs11.CKK_AES, "FF112233445566778899AABBCCDDEEFF"},
	"bad-mac": {pkcs11.CKK_AES, "FF2132435465768798A9BACBDCEDFE0F"},
}

func putMasters(t *testing.T, module string) {
	t.Helper()
	p := pkcs11.New(module)
	if p == nil {
		t.Fatalf("%s cannot be loaded", module)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(p.Initialize())
	defer p.Destroy()
	defer func() { check(p.Finalize()) }()
	slots, err := p.GetSlotList(true)
	check(err)
	h, err := p.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	check(err)
	check(p.Login(h, pkcs11.CKU_USER, "2468"))
	for label, m := range masters {
		value, err := hex.DecodeString(m.value)
		check(err)
		_, err = p.CreateObject(h, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, m.kind),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
			pkcs11.NewAttribute(pkcs11.CKA_DERIVE, true), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, m.kind == pkcs11.CKK_AES),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE, value),
		})
		check(err)
	}
}
