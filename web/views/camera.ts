/** The camera in a video element: opened, closed, and what is said where it cannot be. */
import { check, DescentError } from '../../engine/check.ts';
import { el } from './dom.ts';

export interface Camera {
  readonly video: HTMLVideoElement;
  readonly isOpen: boolean;
  /** Opens it, or another in place of it. Resolves to whether it is open: it may have been stopped meanwhile. Throws where there is none. */
  open(wanted?: MediaTrackConstraints): Promise<boolean>;
  /** Looks through it every so many ms, as long as it is open. */
  follow(look: () => Promise<void>, every: number): Promise<void>;
  /** Closes it, as the light beside it shows. */
  stop(): void;
}

/** A camera that is closed. `ended` is told when it closes by itself: unplugged, taken away, or where a look through it failed. */
export function cameraOn(ended: (why: Error) => unknown): Camera {
  const video = el('video', { muted: true, playsInline: true, 'aria-label': 'Camera' });
  let stream: MediaStream | undefined;
  let turn = 0;
  const stop = (): void => {
    turn++;
    if (stream) stopTracks(stream);
    stream = undefined;
    video.srcObject = null;
  };
  return {
    video,
    stop,
    get isOpen() {
      return stream !== undefined;
    },
    async open(wanted = { facingMode: 'environment' }) {
      check(navigator.mediaDevices, 'the camera cannot be used here', 'open the page over https or on localhost', 'drop a picture');
      const mine = ++turn;
      const opened = await navigator.mediaDevices.getUserMedia({ video: wanted }).catch((error: DOMException) => {
        throw refusal(error);
      });
      if (mine !== turn) {
        stopTracks(opened); // left meanwhile
        return false;
      }
      if (stream) stopTracks(stream);
      stream = opened;
      for (const track of opened.getTracks()) {
        track.onended = () => {
          stop();
          ended(new DescentError('the camera stopped', 'connect it again', 'drop a picture'));
        };
      }
      video.srcObject = opened;
      try {
        await video.play();
      } catch (error) {
        if (mine !== turn) return false; // stopped: what it waited for is gone
        stop();
        throw error;
      }
      return mine === turn;
    },
    async follow(look, every) {
      const mine = stream;
      try {
        while (stream && stream === mine) {
          await look();
          await new Promise(resolve => setTimeout(resolve, every));
        }
      } catch (error) {
        if (stream !== mine) return; // stopped: what it waited for is gone
        stop();
        ended(error as Error);
      }
    },
  };
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

/** Why there is no picture, and what to do. */
function refusal({ name, message }: DOMException): DescentError {
  const refuse = (problem: string, ...advice: string[]) => new DescentError(problem, ...advice, 'drop a picture');
  if (name === 'NotAllowedError')
    return refuse('the camera may not be used: permission was denied', "allow it for this page in the browser's site settings");
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return refuse('there is no camera', 'connect one');
  if (name === 'NotReadableError') return refuse('the camera is in use by another program', 'close that one');
  return refuse(`the camera does not open (${message || name})`);
}
