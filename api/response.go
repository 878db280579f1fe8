package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// response delays the status line until the first byte of the body, so that a whole body can announce its length and a
// handler that panics can still be answered with a problem. It counts what it sends.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
	isSent bool
}

// WriteHeader notes the status; the first one counts.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write sends a part of the body.
func (w *response) Write(p []byte) (int, error) {
	w.finish()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// writeWhole sends p as the whole body, with its length: a client notices when it was cut.
func (w *response) writeWhole(p []byte) (int, error) {
	if !w.isSent {
		w.Header().Set("Content-Length", strconv.Itoa(len(p)))
	}
	return w.Write(p)
}

// finish sends the status line of an answer without a body.
func (w *response) finish() {
	if w.isSent {
		return
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.isSent = true
	w.ResponseWriter.WriteHeader(w.status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// writeWhole sends p as the whole body of w, which is a *response unless a test calls a handler without middleware.
func writeWhole(w io.Writer, p []byte) error {
	write := w.Write
	if r, ok := w.(*response); ok {
		write = r.writeWhole
	}
	_, err := write(p)
	return err
}

// jsonFormat is JSON for huma: answers are encoded whole, and messages about bodies speak of JSON, not of Go.
func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			body, err := encodeJSON(v)
			if err != nil {
				return err
			}
			return writeWhole(w, body)
		},
		Unmarshal: decodeJSON,
	}
}

// encodeJSON encodes v without escaping <, > and &.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return buf.Bytes(), err
}

// decodeJSON decodes data into v; its errors name the place in the text.
func decodeJSON(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return errors.New("not JSON: the text cannot be read at byte " + strconv.FormatInt(syntax.Offset, 10))
	case errors.As(err, &wrongType):
		return errors.New("a value is of the wrong type or out of range at byte " + strconv.FormatInt(wrongType.Offset, 10))
	}
	return errors.New("not JSON")
}

// writeProblem answers with a problem where huma is not involved.
func (s *server) writeProblem(w http.ResponseWriter, p *problem) {
	body, err := encodeJSON(p)
	if err != nil { // it holds strings and numbers only
		body = []byte("{}")
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemContentType)
	w.WriteHeader(p.Status)
	_ = writeWhole(w, body) // the client has gone; nobody is left to tell
}
