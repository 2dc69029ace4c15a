// SPDX-License-Identifier: MIT
/* The first pixel of a frame tells capture_broken what to do with it. */
#ifndef FLIPBOOK_TEST_BROKEN_CAPTURE_H
#define FLIPBOOK_TEST_BROKEN_CAPTURE_H

#define BROKEN_OTHER_PIXELS "OTHR" /* the encoder makes a PNG of other pixels, */
#define BROKEN_STREAM "HALF" /* or one that ends half-way */
#define BROKEN_TELLS "TELL" /* the encoder says on stderr that it was called */
#define BROKEN_WAITS "WAIT" /* the encoder waits until there is a file of the name in $BROKEN_GO_ON */
#define BROKEN_STOPS "STOP" /* the process stops when the frame is copied and before it is released */

#endif
