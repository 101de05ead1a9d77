import { createLogUpdate } from 'log-update'
import type { DemoEvent } from './demo-events.ts'
import { type DemoState, foldDemo, initialState } from './demo-state.ts'
import { liveLines, permanentLines } from './demo-view.ts'
import { coloured, type Paint, plain } from './paint.ts'

/** Where the demo tells its story. */
export interface DemoOutput {
  emit(event: DemoEvent): void
  /** Leaves the terminal as it was found. */
  close(): void
}

const REDRAW_MS = 80

/** One JSON object a line. Counters that are not final only serve the eye: they are left out. */
export function jsonOutput(stream: NodeJS.WritableStream): DemoOutput {
  return {
    emit: (event) => {
      if (event.kind === 'probes' && !event.counters.isFinal) return
      stream.write(`${JSON.stringify(event)}\n`)
    },
    close: () => {},
  }
}

function paintOf(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && process.env.NO_COLOR === undefined ? coloured : plain
}

/** Plain lines for a pipe or a file; for a terminal the same lines and a live part below them. */
export function textOutput(stream: NodeJS.WriteStream): DemoOutput {
  const paint = paintOf(stream)
  const live = stream.isTTY ? createLogUpdate(stream) : undefined
  let state: DemoState = initialState(Date.now())
  let isOver = false
  const draw = (): void => live?.(liveLines(state, Date.now(), paint).join('\n'))
  const timer = live ? setInterval(draw, REDRAW_MS) : undefined
  return {
    emit: (event) => {
      const before = state
      state = foldDemo(state, event)
      isOver ||= event.kind === 'summary' || event.kind === 'failed'
      const lines = permanentLines(event, before, state, paint)
      if (lines.length === 0) return
      live?.clear()
      stream.write(`${lines.join('\n')}\n`)
      if (!isOver) draw()
    },
    close: () => {
      clearInterval(timer)
      live?.clear()
      live?.done()
    },
  }
}
