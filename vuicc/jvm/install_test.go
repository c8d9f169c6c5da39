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
		refused     bool
	}{
		"nothing":              {"", false},
		"ADF":                  {adf, false},
		"configuration":        {first, false},
		"both":                 {adf + first, false},
		"configuration first":  {first + adf, true},
		"ADF twice":            {adf + adf, true},
		"configuration twice":  {first + first, true},
		"ADF of four bytes":    {"8104A0000000" + first, true},
		"ADF without a value":  {"81", true},
		"an action":            {"E203800102", true},
		"another tag":          {"820101", true},
		"no configuration":     {"E003800103", true},
		"configuration cut":    {"E0038001", true},
		"bytes behind the end": {first + "00", true},
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
				if (err != nil) != x.refused || x.refused && !strings.Contains(err.Error(), "6A80") {
					t.Errorf("%s: %v", side, err)
				}
			}
		})
	}
}
