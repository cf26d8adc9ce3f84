// Package mlog stands in for the webhook's logging library, monis.app/mlog, which the Go module proxy does not serve
// everywhere. It has what the webhook's handler calls, and only one thing of it matters to an answer: the level, which
// the webhook hands to the proxy sidecar as --log-level.
package mlog

// LogLevel is a level's name, as the webhook's flag --log-level takes it.
type LogLevel string

// The levels, from the quietest to the loudest.
const (
	LevelWarning LogLevel = "warning"
	LevelInfo    LogLevel = "info"
	LevelDebug   LogLevel = "debug"
	LevelTrace   LogLevel = "trace"
	LevelAll     LogLevel = "all"
)

var (
	loudness = map[LogLevel]int{LevelWarning: 0, LevelInfo: 1, LevelDebug: 2, LevelTrace: 3, LevelAll: 4}
	current  = LevelInfo
)

// SetLevel sets the level; it says whether there is such a one.
func SetLevel(level LogLevel) bool {
	if _, ok := loudness[level]; !ok {
		return false
	}
	current = level
	return true
}

// Enabled tells whether lines of this level are written.
func Enabled(level LogLevel) bool { return loudness[level] <= loudness[current] }

// Logger drops what it is given: the oracle's output is its answers.
type Logger struct{}

// New makes a Logger.
func New() Logger { return Logger{} }

// WithName is the Logger itself.
func (l Logger) WithName(string) Logger { return l }

// WithValues is the Logger itself.
func (l Logger) WithValues(...any) Logger { return l }

// Error drops an error.
func (l Logger) Error(string, error, ...any) {}

// Info drops a line.
func (l Logger) Info(string, ...any) {}

// Debug drops a line.
func (l Logger) Debug(string, ...any) {}
