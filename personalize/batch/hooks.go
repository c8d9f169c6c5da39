package batch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Hooks are programs of a card handler: program and arguments, run without a shell. What they need to know is in their environment
// (SIMBIND_HOOK, SIMBIND_SLOT, SIMBIND_ICCID, SIMBIND_VERDICT, SIMBIND_CODE); no secret is.
type Hooks struct {
	Get  []string      // fetch a card into an empty reader; a failure says that there is none left
	Good []string      // to the good ones
	Bad  []string      // all others
	Time time.Duration // that one call may take; 0: 30 s
}

// HookError is a program of the card handler that failed.
type HookError struct {
	Hook string // get, good, bad
	Exit int    // its exit code; -1: it did not run to its end
	Err  error
}

func (e *HookError) Error() string { return fmt.Sprintf("hook %s: %v", e.Hook, e.Err) }
func (e *HookError) Unwrap() error { return e.Err }

// run calls one hook, if there is one, and waits for its end. Facts go by the environment, of which nothing else but the search path and
// the home is passed on. It is not told of an interrupt: a handler that is moving finishes.
func (h Hooks) run(ctx context.Context, name string, argv []string, facts map[string]string) error {
	if len(argv) == 0 {
		return nil
	}
	limit := h.Time
	set(&limit, 30*time.Second)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.WaitDelay = time.Second // a child of it that keeps its output open is not waited for
	c.Env = []string{"SIMBIND_HOOK=" + name}
	for _, keep := range []string{"PATH", "HOME", "SystemRoot"} {
		if v, ok := os.LookupEnv(keep); ok {
			c.Env = append(c.Env, keep+"="+v)
		}
	}
	for k, v := range facts {
		c.Env = append(c.Env, "SIMBIND_"+k+"="+v)
	}
	err := c.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("not done after %s", limit)
	}
	exit := -1
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		exit = ended.ExitCode()
	}
	return &HookError{Hook: name, Exit: exit, Err: err}
}
