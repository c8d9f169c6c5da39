package jvm_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/jvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// TestInstallParameters: what C9 may hold (§2), to the model and to the Java applet alike.
func TestInstallParameters(t *testing.T) {
	adf, first := fmt.Sprintf("81%02X%X", len(image.USIM()), image.USIM()), "E003800101"
	m := machine(t)
	for name, x := range map[string]struct {
		application string
		refused     string // status word
	}{
		"nothing":              {"", ""},
		"ADF not on the card":  {"8107A0000000871004" + first, "6A80"},
		"ADF":                  {adf, ""},
		"configuration":        {first, ""},
		"both":                 {adf + first, ""},
		"configuration first":  {first + adf, "6A80"},
		"ADF twice":            {adf + adf, "6A80"},
		"configuration twice":  {first + first, "6A80"},
		"ADF of four bytes":    {"8104A0000000" + first, "6A80"},
		"ADF without a value":  {"81", "6A80"},
		"an action":            {"E203800102", "6A80"},
		"another tag":          {"820101", "6A80"},
		"no configuration":     {"E003800103", "6A80"},
		"configuration cut":    {"E0038001", "6A80"},
		"bytes behind the end": {first + "00", "6A80"},
	} {
		t.Run(name, func(t *testing.T) {
			for side, create := range map[string]plug.New{"model": bindapp.New, "Java": m.Applet(classes.applet, jvm.BindingClass)} {
				img, err := image.Get("usim-separate")
				if err != nil {
					t.Fatal(err)
				}
				if img.Applets[0].Application, err = hex.DecodeString(x.application); err != nil {
					t.Fatal(err)
				}
				_, err = vuicc.New(img, vuicc.WithModule(img.Applets[0].Module, create))
				if (err != nil) != (x.refused != "") || err != nil && !strings.Contains(err.Error(), x.refused) {
					t.Errorf("%s: %v", side, err)
				}
			}
		})
	}
}
