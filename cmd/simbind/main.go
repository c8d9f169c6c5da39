// Command simbind brings (U)SIM cards to a terminal binding and reads it back.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
