// The camera, which is on only while its button is pressed.
const video = document.getElementById("video");
let stream = null;

export function isOn() {
  return stream !== null;
}

// ready tells whether there is a frame to take.
export function ready() {
  return stream !== null && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0;
}

const reasons = {
  NotAllowedError: "The browser does not let this page use the camera: allow it beside the address, then press C again.",
  NotFoundError: "No camera is found. Files can be dropped instead.",
  NotReadableError: "Another program uses the camera. Close it, then press C again.",
};

export async function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives the camera to pages at 127.0.0.1 or localhost alone: open the address as it was printed.");
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}}, audio: false});
  } catch (error) {
    throw new Error(reasons[error.name] ?? `The camera cannot be used: ${error.message}`);
  }
  video.srcObject = stream;
  await video.play();
}

export function stop() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
}
