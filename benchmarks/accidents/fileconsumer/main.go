// Follows files as the OpenTelemetry Collector's file receiver does, with its defaults,
// and writes each line to a file before its position is kept: the best case that there is.
//
//	fileconsumer PATTERN OUTPUT POSITIONS
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/stanza/fileconsumer"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

func main() {
	config := fileconsumer.NewConfig()
	config.Include = []string{os.Args[1]}
	config.StartAt = "beginning"
	output, err := os.OpenFile(os.Args[2], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(err)
	emit := func(_ context.Context, lines [][]byte, _ map[string]any, _ int64, _ []int64) error {
		var written []byte
		for _, line := range lines {
			written = append(append(written, line...), '\n')
		}
		_, err := output.Write(written)
		return err
	}
	manager, err := config.Build(componenttest.NewNopTelemetrySettings(), emit)
	check(err)
	check(manager.Start(&positions{path: os.Args[3]}))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	<-signals
	check(manager.Stop())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// positions keeps what the manager asks for in a file that is always whole.
type positions struct {
	path  string
	mutex sync.Mutex
	kept  map[string][]byte
}

func (p *positions) read() {
	if p.kept != nil {
		return
	}
	p.kept = map[string][]byte{}
	if data, err := os.ReadFile(p.path); err == nil {
		check(json.Unmarshal(data, &p.kept))
	}
}

func (p *positions) write() error {
	data, err := json.Marshal(p.kept)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(p.path+".new", p.path)
}

func (p *positions) Get(_ context.Context, key string) ([]byte, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.read()
	return p.kept[key], nil
}

func (p *positions) Set(_ context.Context, key string, value []byte) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.read()
	p.kept[key] = value
	return p.write()
}

func (p *positions) Delete(_ context.Context, key string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.read()
	delete(p.kept, key)
	return p.write()
}

func (p *positions) Batch(ctx context.Context, operations ...*storage.Operation) error {
	for _, one := range operations {
		var err error
		switch one.Type {
		case storage.Get:
			one.Value, err = p.Get(ctx, one.Key)
		case storage.Set:
			err = p.Set(ctx, one.Key, one.Value)
		case storage.Delete:
			err = p.Delete(ctx, one.Key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
