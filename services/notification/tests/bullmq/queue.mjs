// Runs the official package on the queue of the notification service, one command per process:
//   node queue.mjs <5|6> <redis url> <prefix> list|add|retry|work [JSON]
// Prints the result as one line of JSON.
const [version, url, prefix, command, argument] = process.argv.slice(2);
const { Queue, Worker } = await import(`bullmq-${version}`);
const { Redis } = await import('ioredis');

const QUEUE = 'notifications';
const connection = new Redis(url, { maxRetriesPerRequest: null });
const queue = new Queue(QUEUE, { connection, prefix });
const input = argument === undefined ? undefined : JSON.parse(argument);

const commands = {
  async list() {
    const jobs = await queue.getJobs(['waiting', 'paused', 'active', 'delayed', 'completed', 'failed']);
    return Promise.all(
      jobs.map(async (job) => ({
        id: job.id,
        name: job.name,
        data: job.data,
        state: await job.getState(),
        failedReason: job.failedReason ?? null,
      })),
    );
  },
  async add() {
    const job = await queue.add(input.name, input.data, input.options ?? {});
    return { id: job.id };
  },
  async retry() {
    const job = await queue.getJob(input.id);
    await job.retry();
    return { id: job.id };
  },
  // Processes the first job.
  async work() {
    return new Promise((resolve, reject) => {
      const worker = new Worker(QUEUE, async (job) => ({ by: 'node', fanoutId: job.data.fanoutId }), { connection, prefix });
      worker.on('completed', async (job, result) => {
        const state = await job.getState();
        await worker.close();
        resolve({ id: job.id, name: job.name, data: job.data, result, state });
      });
      worker.on('failed', (_, error) => reject(error));
      worker.on('error', reject);
    });
  },
};

try {
  process.stdout.write(`${JSON.stringify(await commands[command]())}\n`);
} finally {
  await queue.close();
  connection.disconnect();
}
