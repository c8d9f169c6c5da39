// Package meanwhile lets the disk or the ledger work while a card does.
package meanwhile

// Do begins something in the background; the function it gives waits for the end, as often as it is called.
func Do(do func() error) (wait func() error) {
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = do()
	}()
	return func() error {
		<-done
		return err
	}
}
