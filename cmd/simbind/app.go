package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/pcsc"
)

// app is everything a verb may touch besides its own flags: streams, clock, chance, readers.
type app struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	rand     io.Reader
	readers  func() (pcsc.Service, error) // physical readers
	proc     string                       // where the system tells its processes

	global globals
	atEnd  []func() error // gives back what a verb holds
}

// globals are the flags every verb has.
type globals struct {
	json, quiet, noColor, noInput, reveal bool
	reader                                string
	wait                                  time.Duration
	expectICCID, expectIMSI               string
	stateDir                              string
	trace                                 string
	aid, domain                           string
}

// run is the program: data on out, talk on errw, the exit code of docs/command-line.md.
func run(args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw, now: time.Now, rand: rand.Reader, readers: func() (pcsc.Service, error) { return pcsc.New() }, proc: "/proc"}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // whoever reads may go away: that is an error of one write, and no end in the middle of a card
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as by nohup, which wants the work to go on
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	return a.execute(ctx, args)
}

func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	verb, err := root.ExecuteContextC(ctx)
	for _, end := range a.atEnd {
		err = errors.Join(err, end())
	}
	if err == nil {
		return exitDone
	}
	if unread(err) {
		return exitOther
	}
	if strings.HasPrefix(err.Error(), "unknown command") || strings.HasPrefix(err.Error(), "required flag") { // cobra has no type for them
		err = &usageError{err: err}
	}
	var code *codeError
	if errors.As(err, &code) && code.err == nil { // said already, by the report itself
		return code.code
	}
	a.global.json = a.global.json || slices.Contains(args, "--json") // a wrong flag before it kept it from being read
	return a.explain(verb, err)
}

// unread tells that nobody reads standard output any more, as behind head: nobody is told.
func unread(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p) && p.Path == os.Stdout.Name() && errors.Is(p, syscall.EPIPE)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "simbind",
		Short: "Bind (U)SIM cards to terminals by IMEI",
		Long: `simbind brings a (U)SIM to a terminal binding, proves it by reading it back, and
tells why a card works in one device and not in another.

Data goes to stdout, talk to stderr. Every verb takes --json. The virtual card
(--reader virtual:FILE) needs no reader: see 'simbind virtual new --help'.`,
		Example: `  simbind readers
  simbind status
  simbind personalize --imei 490154203237518 --keys keys.csv --dry-run`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err: err} })
	a.globalFlags(root)
	root.AddCommand(
		a.readersCommand(), a.doctorCommand(), a.cardCommand(), a.statusCommand(), a.imeiCommand(),
		a.personalizeCommand(), a.backupCommand(), a.restoreCommand(),
		a.terminalCommand(), a.traceCommand(), a.reportCommand(), a.compareCommand(), a.virtualCommand(),
		a.appletCommand(), a.gpCommand(), a.batchCommand(), a.auditCommand(),
		a.versionCommand(), a.manCommand(),
	)
	root.AddCommand(a.actionCommands()...)
	root.InitDefaultCompletionCmd()
	unknownVerbs(root)
	usageOfArguments(root)
	return root
}

// unknownVerbs lets a group of verbs refuse a word that is none of them; cobra would show its help and call that success.
func unknownVerbs(root *cobra.Command) {
	for _, group := range root.Commands() {
		if group.HasSubCommands() && group.RunE == nil && group.Run == nil {
			group.Args = cobra.NoArgs
			group.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
		unknownVerbs(group)
	}
}

// usageOfArguments lets a wrong number of arguments be a mistake in the words of a call, for every verb.
func usageOfArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{err: err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageOfArguments(sub)
	}
}

func (a *app) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.BoolVar(&a.global.json, "json", false, "print one JSON object instead of tables")
	f.BoolVarP(&a.global.quiet, "quiet", "q", false, "no talk on stderr but errors")
	f.BoolVar(&a.global.noColor, "no-color", false, "no colour (also: NO_COLOR)")
	f.BoolVar(&a.global.noInput, "no-input", false, "never prompt; an error names the flag instead")
	f.BoolVar(&a.global.reveal, "reveal", false, "show IMSI, IMEI and ICCID whole")
	f.StringVarP(&a.global.reader, "reader", "r", "", "reader: number, name or part of it, or virtual[:FILE] (SIMBIND_READER)")
	f.DurationVar(&a.global.wait, "wait", 0, "wait this long for a card, such as 30s")
	f.StringVar(&a.global.expectICCID, "expect-iccid", "", "refuse any other card before a key is used")
	f.StringVar(&a.global.expectIMSI, "expect-imsi", "", "refuse a card with another IMSI before a key is used")
	f.StringVar(&a.global.stateDir, "state-dir", "", "folder of journals and backups (SIMBIND_STATE_DIR; default: the user's state folder)")
	f.StringVar(&a.global.trace, "trace", "", "append the conversation with the card, redacted, to this file")
	f.StringVar(&a.global.aid, "aid", "", "AID of the binding applet, hex (default F053494D42494E4401)")
}
