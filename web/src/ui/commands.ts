/** Commands as they are typed where Spark Portfolio was installed: `make` puts it into `.venv`, which is on no PATH. */

/** A command of the program. */
export function command(name: string): string {
  return `.venv/bin/spark-portfolio ${name}`;
}
