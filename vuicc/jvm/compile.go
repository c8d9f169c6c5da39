package jvm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	sources "github.com/simbind/simbind/applet"
)

// ErrNoJDK is a machine without a Java development kit.
var ErrNoJDK = errors.New("no Java development kit (JDK 17 or newer; Debian's package is openjdk-17-jdk-headless)")

// tool finds java or javac: in JAVA_HOME, else in the path.
func tool(name string) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s not found: %w", name, ErrNoJDK)
	}
	return path, nil
}

// BindingClass is the class of the binding applet.
const BindingClass = "simbind.BindingApplet"

// Built names the folders of compiled classes.
type Built struct {
	Runtime string // for New
	Applet  string // for Machine.Applet
}

// Build compiles runtime and applet, whose sources are part of this program, into a folder named after their content below
// dir. What is there already is taken as it is.
func Build(dir string) (Built, error) {
	key, err := digest(sources.Sources)
	if err != nil {
		return Built{}, err
	}
	final := filepath.Join(dir, "applet-"+key)
	b := Built{Runtime: filepath.Join(final, "runtime"), Applet: filepath.Join(final, "src")}
	if _, err := os.Stat(final); err == nil {
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Built{}, err
	}
	work, err := os.MkdirTemp(dir, "building-*")
	if err != nil {
		return Built{}, err
	}
	defer os.RemoveAll(work)
	if err := compileAll(work); err != nil {
		return Built{}, err
	}
	if err := os.Rename(filepath.Join(work, "classes"), final); err != nil {
		if _, there := os.Stat(final); there != nil { // else another process was faster
			return Built{}, err
		}
	}
	return b, nil
}

func compileAll(work string) error {
	from := filepath.Join(work, "sources")
	if err := os.CopyFS(from, sources.Sources); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(from, name) }
	classes := filepath.Join(work, "classes")
	if err := Compile(filepath.Join(classes, "runtime"), in("runtime"), "17", in("runtime"), in("api")); err != nil {
		return err
	}
	return CompileApplet(filepath.Join(classes, "src"), in("src"), in("api"))
}

// CompileApplet compiles the sources of an applet against the API stubs: Java 8, the last that old class file converters read.
func CompileApplet(classes, sources, api string) error {
	return Compile(classes, sources, "8", sources, api)
}

// Compile runs javac over all sources below a folder. Classes they name are looked for in sourcepath; those of the first entry are
// compiled along, and no class file is made of the others unless none of the first has its name.
func Compile(classes, sources, release string, sourcepath ...string) error {
	javac, err := tool("javac")
	if err != nil {
		return err
	}
	files, err := javaFiles(sources)
	if err != nil {
		return err
	}
	implicit := "class"
	if release == "8" {
		implicit = "none" // the stubs
	}
	args := append([]string{"-nowarn", "-Xlint:-options", "-encoding", "UTF-8", "-g", "--release", release, "-implicit:" + implicit, "-d", classes,
		"-sourcepath", strings.Join(sourcepath, string(os.PathListSeparator))}, files...)
	if out, err := exec.Command(javac, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w\n%s", err, out)
	}
	return nil
}

func javaFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".java") {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no Java sources", dir)
	}
	return files, err
}

// digest is over names and content of all files.
func digest(tree fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}
