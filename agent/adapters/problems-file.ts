import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const ProblemsSchema = v.array(
  v.strictObject({ code: v.string(), where: v.string(), what: v.string(), remedy: v.string() }),
)

/** What the last pass left out and went on without, as `status` shows it. */
export type KnownProblems = v.InferOutput<typeof ProblemsSchema>

/** Where that is kept. */
export interface ProblemsFile {
  /** Empty when nothing was left out, or no pass has run. */
  read(): Promise<KnownProblems>
  write(problems: KnownProblems): Promise<void>
}

/** Keeps the problems in one file. */
export function createProblemsFile(path: string): ProblemsFile {
  return {
    read: async () =>
      (await readJsonFile(path, ProblemsSchema, `remove it (rm ${path}): it is only shown`)) ?? [],
    write: (problems) => writeJsonFile(path, problems),
  }
}
