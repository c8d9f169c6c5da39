package org.globalplatform;

/** What a stub throws when it is run: these classes are for the compiler alone. */
final class Stub extends RuntimeException {
}
