package subset_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// capScript runs scripts/cap with variables of its own and gives what it said.
func capScript(t *testing.T, out string, variables ...string) (said string, err error) {
	t.Helper()
	script, err := filepath.Abs("../../scripts/cap")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(script, out)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "JC_") && !strings.HasPrefix(v, "ECJ=") && !strings.HasPrefix(v, "PACKAGE_AID=") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, variables...)
	b, err := c.CombinedOutput()
	return string(b), err
}

// kit makes a folder that looks like a kit 3.1, with a converter that only writes down what it was asked.
func kit(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, d := range []string{"lib", "api_export_files_3.0.4"} {
		if err := os.Mkdir(filepath.Join(folder, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	made := javac(t, "", "testdata/kit/Main.java")
	if said, err := exec.Command("jar", "cf", filepath.Join(folder, "lib", "tools.jar"), "-C", made, ".").CombinedOutput(); err != nil {
		t.Fatalf("jar: %v\n%s", err, said)
	}
	return folder
}

func exports(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"uicc/access/javacard/access.exp", "uicc/toolkit/javacard/toolkit.exp", "org/globalplatform/javacard/globalplatform.exp"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte{0x00, 0xFA, 0xCA, 0xDE}, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestCapScriptRefuses: what is missing is named, before anything is compiled.
func TestCapScriptRefuses(t *testing.T) {
	empty, old := t.TempDir(), t.TempDir()
	for _, name := range []string{"lib/converter.jar", "api_export_files/x"} {
		path := filepath.Join(old, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		name, want string
		variables  []string
	}{
		{"no kit", "JC_HOME is not set", nil},
		{"no folder", "which is no folder", []string{"JC_HOME=" + empty + "/none"}},
		{"no converter", "holds no converter", []string{"JC_HOME=" + empty}},
		{"no export files", "holds no uicc/access", []string{"JC_HOME=" + kit(t)}},
		{"AID", "want 5 to 15 bytes", []string{"JC_HOME=" + empty, "PACKAGE_AID=F0"}},
		{"no ecj", "install ecj", []string{"JC_HOME=" + old, "JC_EXPORTS=" + exports(t), "ECJ=" + empty + "/ecj"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			said, err := capScript(t, filepath.Join(t.TempDir(), "x.cap"), x.variables...)
			if err == nil || !strings.Contains(said, x.want) {
				t.Errorf("%v, and it says %q: want %q", err, said, x.want)
			}
		})
	}
}

// TestCapScriptAsks: what the converter of a kit is asked, and that the CAP is looked at.
func TestCapScriptAsks(t *testing.T) {
	home, exported := kit(t), exports(t)
	out := filepath.Join(t.TempDir(), "made", "simbind.cap")
	said, err := capScript(t, out, "JC_HOME="+home, "JC_EXPORTS="+exported)
	if err != nil || !strings.Contains(said, "load file without Descriptor and Debug: 90 bytes") {
		t.Fatalf("%v: %s", err, said)
	}
	if _, err := os.Stat(out); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(filepath.Join(home, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	asked := strings.Join(strings.Fields(string(b)), " ")
	for _, want := range []string{
		"-target 3.0.4",
		"-exportpath " + home + "/api_export_files_3.0.4:" + exported,
		"-applet 0xF0:0x53:0x49:0x4D:0x42:0x49:0x4E:0x44:0x01 simbind.BindingApplet simbind 0xF0:0x53:0x49:0x4D:0x42:0x49:0x4E:0x44 1.0",
	} {
		if !strings.Contains(asked, want) {
			t.Errorf("asked %q, without %q", asked, want)
		}
	}
}

// TestCapScriptLooks: a CAP without a component is no success.
func TestCapScriptLooks(t *testing.T) {
	said, err := capScript(t, filepath.Join(t.TempDir(), "x.cap"), "JC_HOME="+kit(t), "JC_EXPORTS="+exports(t),
		"JAVA_TOOL_OPTIONS=-Dcomponents=Header")
	if err == nil || !strings.Contains(said, "component Method is missing") {
		t.Errorf("%v: %s", err, said)
	}
}
