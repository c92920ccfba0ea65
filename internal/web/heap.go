package web

// ballast lies in the heap and is never touched, so that it takes no memory from the
// machine. A service keeps a few megabytes; the garbage collector, which runs when
// the heap has doubled, would without this run dozens of times a second under load.
// docs/decisions/0033 has the figures.
var ballast []byte

const ballastSize = 16 << 20
