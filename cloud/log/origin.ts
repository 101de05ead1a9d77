/** The log's name: the public URL without its scheme (C2SP tlog-checkpoint). */
export function originOf(url: string): string {
  return url.replace(/^https?:\/\//, '')
}
