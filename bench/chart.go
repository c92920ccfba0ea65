package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// bar is one bound of a row in the chart.
type bar struct {
	label string
	reach float64 // 1 is just met
}

// The chart's measures, in pixels.
const (
	barHeight = 20
	labelled  = 460 // where the bars begin
	wide      = 900
)

// chartOf draws how far each bound is met as an SVG: a bar that reaches the line
// meets its bound, one that reaches the next is ten times as good. It is drawn
// here because a chart that everybody can look at needs a few rectangles and no
// library.
func chartOf(rows []row) []byte {
	var bars []bar
	for _, r := range rows {
		for _, b := range r.Bounds {
			bars = append(bars, bar{r.What + ": " + r.says(b), r.reach(b)})
		}
	}
	height := barHeight*len(bars) + 40
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", wide, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, height)
	for _, mark := range []float64{0.1, 1, 10} {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="20" y2="%d" stroke="#999"/><text x="%.1f" y="14" text-anchor="middle">%g</text>`+"\n",
			at(mark), at(mark), height-10, at(mark), mark)
	}
	for i, x := range bars {
		y, colour := 24+i*barHeight, "#2a7"
		if !(x.reach >= 1) { // nor is NaN
			colour = "#c33"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">`, labelled-6, y+12)
		_ = xml.EscapeText(&b, []byte(x.label)) // a buffer takes everything
		fmt.Fprintf(&b, `</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.2f</text>`+"\n",
			labelled, y, at(x.reach)-labelled, barHeight-6, colour, at(x.reach)+4, y+12, x.reach)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// at is where a reach lies, on a logarithmic scale from 0.05 to 20.
func at(reach float64) float64 {
	const low, high = 0.05, 20.0
	if !(reach > low) { // nor is NaN
		reach = low
	}
	return labelled + (wide-labelled-50)*math.Log(min(reach, high)/low)/math.Log(high/low)
}
