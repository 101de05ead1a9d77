import type {
  Argv,
  CommandOptions,
  CommandResult,
  RunCommand,
} from '../../agent/adapters/command.ts'

/** A command as it was called. */
export interface Call {
  readonly argv: Argv
  readonly input: string | undefined
}

type Answer =
  | Partial<CommandResult>
  | ((call: Call) => Partial<CommandResult> | Promise<Partial<CommandResult>>)

/**
 * Answers commands from a script, by the beginning of their text; a command without an answer fails
 * the test. Records every call in order.
 */
export function scriptedCommands(script: Readonly<Record<string, Answer>>) {
  const calls: Call[] = []
  const run: RunCommand = async (argv: Argv, options: CommandOptions = {}) => {
    const call = { argv, input: options.input }
    calls.push(call)
    const text = argv.join(' ')
    const key = Object.keys(script)
      .filter((start) => text.startsWith(start))
      .sort((a, b) => b.length - a.length)[0]
    const answer = key === undefined ? undefined : script[key]
    if (answer === undefined) throw new Error(`no answer for: ${text}`)
    const result = typeof answer === 'function' ? await answer(call) : answer
    return { exitCode: 0, stdout: '', stderr: '', ...result }
  }
  return { run, calls, texts: () => calls.map(({ argv }) => argv.join(' ')) }
}
