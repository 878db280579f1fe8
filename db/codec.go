package db

import (
	"github.com/klauspost/compress/zstd"
)

// maxDecoded bounds what one stored body may grow to: far above any page of a provider.
const maxDecoded = 512 << 20

// codec compresses stored bodies with zstd. Its encoder and decoder keep their buffers; both are safe for concurrent use.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec() (codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithZeroFrames(true))
	if err != nil {
		return codec{}, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxDecoded))
	if err != nil {
		return codec{}, err
	}
	return codec{encoder: encoder, decoder: decoder}, nil
}

// compress returns a zstd frame, also of nothing.
func (c codec) compress(body []byte) []byte { return c.encoder.EncodeAll(body, nil) }

// expand returns what compress was given. The result is not nil.
func (c codec) expand(frame []byte) ([]byte, error) { return c.decoder.DecodeAll(frame, []byte{}) }
