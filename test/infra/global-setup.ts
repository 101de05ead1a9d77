import { buildPrograms } from '../lab/build-programs.ts'

/** Once for all files of the project: two that build at the same time would take away each other's programs. */
export default function setup(): void {
  buildPrograms()
}
