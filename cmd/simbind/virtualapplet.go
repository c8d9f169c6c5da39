package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/jvm"
)

// What a virtual card runs as the binding applet.
const (
	appletModel = "model"
	appletJava  = "java"
)

const appletHelp = "what runs as the binding applet: model, or java for the Java Card applet itself (needs a JDK)"

// plugApplet gives the option that plugs the Java applet into a card, and what ends its machine; the model needs neither.
func (a *app) plugApplet(kind string) ([]vuicc.Option, func(), error) {
	switch kind {
	case appletModel:
		return nil, func() {}, nil
	case appletJava:
	default:
		return nil, nil, usagef("--applet is model or java, not %q", kind)
	}
	dir, err := a.cacheDir()
	if err != nil {
		return nil, nil, err
	}
	built, err := jvm.Build(dir)
	if err != nil {
		return nil, nil, javaError(err)
	}
	m, err := jvm.New(built.Runtime)
	if err != nil {
		return nil, nil, javaError(err)
	}
	end := func() {
		if err := m.Err(); err != nil {
			a.say("the Java applet: %v", err)
		}
		for _, r := range m.Remarks() {
			a.say("the Java applet: %s", r)
		}
		_ = m.Close() // a process that ended by itself is closed, too
	}
	return []vuicc.Option{vuicc.WithModule(binding.DefaultAID, m.Applet(built.Applet, jvm.BindingClass))}, end, nil
}

func javaError(err error) error {
	if errors.Is(err, jvm.ErrNoJDK) {
		return &codeError{code: exitUsage, err: err, hint: "install one, or make the card with --applet model"}
	}
	return err
}

// appletOf tells what the card in a file runs: its memory is of one kind or the other.
func appletOf(path string) (string, error) {
	java, err := jvm.Holds(path)
	if err != nil || !java {
		return appletModel, err
	}
	return appletJava, nil
}

// cacheDir is where compiled classes are kept: the user's cache, else the state folder.
func (a *app) cacheDir() (string, error) {
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "simbind")
		if os.MkdirAll(dir, 0o700) == nil {
			return dir, nil
		}
	}
	dir, err := a.stateDir()
	return filepath.Join(dir, "java"), err
}

// wantApplet holds the kind asked for against that of the card; empty asks for nothing.
func wantApplet(path, asked string) error {
	if _, err := os.Stat(path); err != nil {
		return nil // opening it tells
	}
	is, err := appletOf(path)
	if err != nil || asked == "" || asked == is {
		return err
	}
	if asked != appletModel && asked != appletJava {
		return usagef("--applet is model or java, not %q", asked)
	}
	return &codeError{code: exitRefused, err: fmt.Errorf("virtual card %s runs %s, and its memory is of no use to another applet", path, is), hint: "'simbind virtual new FILE --applet " + asked + "' makes a card that runs " + asked}
}
